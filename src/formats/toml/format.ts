import type { Format } from "../format.ts";
import { fieldOf } from "../tree.ts";
import { refuseCharacters } from "../unrepresentable.ts";
import { mergeToml } from "./merge.ts";
import { fieldsOfToml } from "./read.ts";
import { writeBasicString } from "./write.ts";

/** TOML 1. Lists and arrays of tables are leaves. A merge keeps comments and spacing; it never moves a key. */
export const tomlFormat: Format = {
  name: "toml",
  alone: {
    before: /(?:^|\n)(?:[^"'#\n]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')*[=[,]\s*$/,
    after: /^[ \t]*(?:$|\r?\n|[,\]}#])/,
  },
  write: writeBasicString,
  writePart,
  read: (text) => fieldsOfToml(text, fieldOf),
  merge: mergeToml,
};

/** Both kinds of strings are possible around it, so nothing may need an escape in either. */
function writePart(value: string): string {
  refuseCharacters(
    value,
    /["'\\\x00-\x1f\x7f]/,
    "TOML inside other text",
    "Let the placeholder stand alone behind the =",
  );
  return value;
}
