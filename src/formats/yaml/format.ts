import type { Format } from "../format.ts";
import { fieldOf } from "../tree.ts";
import { refuseCharacters } from "../unrepresentable.ts";
import { mergeYaml } from "./merge.ts";
import { fieldsOfYaml, parseYamlText } from "./read.ts";
import { writeYamlString } from "./write.ts";

/** YAML 1.2, one document. Lists and aliases are leaves, an empty mapping holds no keys. Values are written double-quoted. */
export const yamlFormat: Format = {
  name: "yaml",
  alone: {
    before: new RegExp(
      [
        // `key: ▮`, `- ▮`, `- key: ▮`
        String.raw`(?:^|\n) *(?:- +)*(?:- +|"[^"\\\n]*": +|'[^'\n]*': +|[^\s\0#"'[{,&*!|>%@\x60-](?:[^\0\n#"',[\]{}:]|:(?! ))*: +)$`,
        // `[▮`, `{key: ▮`, `["a", ▮`, in a list or mapping that begins on this line
        String.raw`(?:^|\n|[:-] )\s*[[{](?:[^"'\n]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')*?(?:[,:] +)?$`,
      ].join("|"),
    ),
    after: /^ *(?:$|\r?\n|[,\]}]| #)/,
  },
  write: writeYamlString,
  writePart,
  read: (text) => fieldsOfYaml(parseYamlText(text), fieldOf),
  merge: mergeYaml,
};

function writePart(value: string): string {
  const hint = 'Let the placeholder stand alone behind "key: "';
  refuseCharacters(value, /[^A-Za-z0-9_./:@+-]|:$/, "YAML inside other text", hint);
  return value;
}
