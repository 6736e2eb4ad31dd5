import fc from "fast-check";
import { stringify } from "yaml";
import { yamlFormat } from "../../../src/formats/yaml/format.ts";
import { joined } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { startPythonTree } from "../oracles/python.ts";
import type { Oracle } from "../reading.ts";
import { tree, treeSide, type Written } from "./trees.ts";

const styles = fc.record({
  indent: fc.constantFrom(2, 4),
  indentSeq: fc.boolean(),
  collectionStyle: fc.constantFrom("any" as const, "any" as const, "flow" as const),
  defaultStringType: fc.constantFrom(
    "PLAIN" as const,
    "QUOTE_DOUBLE" as const,
    "QUOTE_SINGLE" as const,
    "BLOCK_LITERAL" as const,
  ),
});
const likely = fc
  .tuple(tree, styles, fc.constantFrom("\n", "\n", "\r\n"))
  .map(([value, style, newline]) => stringify(value, style).replaceAll("\n", newline));

const lines = [
  "a: 1",
  "b: x y",
  "c:",
  "s: 0o17",
  "t: .inf",
  "u: ~",
  "  d: 'q'",
  "  e: [1, x]",
  "f: {g: 1}",
  "- h",
  "  - i",
  "j: |",
  "  k",
  "   l",
  "m: >-",
  "# c",
  'n: "o\\n" # c',
  "---",
  "p: &x 1",
  "q: *x",
];
const tokens = [..."[]{}:,#*|>-'\"\\% \n\t", ": ", "- ", "a", "1", "true", "<<", "\n  ", "é"];
const wild = fc.oneof(
  joined(fc.constantFrom(...lines), 7, "\n"),
  joined(fc.constantFrom(...tokens), 12),
  fc
    .tuple(likely, fc.nat(60), fc.constantFrom(...tokens.filter((token) => token !== "\n")))
    .map(([text, at, token]) => text.slice(0, at) + token + text.slice(at)),
);

export const yamlContest = createContest({
  name: "yaml",
  against: "PyYAML with the words and numbers of YAML 1.2",
  needsPrograms: true,
  startOracle: startEnded,
  ...treeSide(yamlFormat, (written) => printBlock(written, "")),
  frames: [
    { before: "k: ", after: "\nz: 1\n", path: ["k"] },
    { before: "a:\n  k: ", after: " # c\nz: 1\n", path: ["a", "k"] },
    { before: "a: {k: ", after: ", z: 1}\n", path: ["a", "k"] },
  ],
  readsToo: [{ why: "PyYAML has the syntax of YAML 1.1: no tabs, stricter keys in flow style", applies: () => true }],
  refusesToo: [
    { why: "a lone - in flow style, which is no text in YAML 1.2", applies: (text) => /-[\]},]/.test(text) },
    { why: "a comment right behind something, which is none since YAML 1.2", applies: (text) => /\S#/.test(text) },
    {
      why: "a line of a quoted text or a list in brackets that is not indented deeper than its key, as YAML 1.2 asks for",
      applies: hasShallowLine,
    },
    {
      why: "a carriage return alone, which few programs take for a line break",
      applies: (text) => /\r(?!\n)/.test(text),
    },
  ],
  likely,
  wild,
  templates: [
    "k: {{v.x}}\nlast: 1\n",
    'k: "a{{v.x}}z"\nlast: 1\n',
    "k: 'a{{v.x}}z'\nlast: 1\n",
    "k: a{{v.x}}z\nlast: 1\n",
    "k: [{{v.x}}, {{v.x}}]\nlast: 1\n",
    "k:\n  - {{v.x}}\nlast: 1\n",
    "k: |\n  a{{v.x}}\nlast: 1\n",
    "k: 1 # {{v.x}}\nlast: 1\n",
    '"{{v.x}}": 1\nlast: 1\n',
    "{{v.x}}: 1\nlast: 1\n",
  ],
});

/** About: a line with one quote or bracket too many opens what goes on in the next lines. */
function hasShallowLine(text: string): boolean {
  let opened: number | undefined;
  for (const line of text.split(/\r?\n/).filter((line) => line.trim() !== "")) {
    const indent = line.search(/\S/);
    if (opened !== undefined && indent <= opened) return true;
    const isOdd = line.split(/["'[\]{}]/).length % 2 === 0;
    if (isOdd) opened = opened === undefined ? indent : undefined;
  }
  return false;
}

/** Without a line break at its end, a text that ends in a block scalar is one to PyYAML whose last line is not ended either. */
async function startEnded(): Promise<Oracle> {
  const oracle = await startPythonTree("yaml");
  const read: Oracle["read"] = async (text) =>
    notAsked.test(text) ? undefined : oracle.read(/[\r\n]$/.test(text) ? text : `${text}\n`);
  return { ...oracle, read };
}

/**
 * A block scalar that is the whole document, which PyYAML wants indented; and numbers as keys: inside a list `1e+2` and `100` are one
 * key to us.
 */
const notAsked = /^\s*(?:---\s+)?[|>]|(?:^|[\s,{[])[-+]?(?:\.?\d[\w.+-]*|\.inf|\.nan)\s*:/im;

function printBlock(value: Written, indent: string): string {
  return Object.entries(value)
    .map(([key, inner]) => {
      const name = `${indent}${JSON.stringify(key)}:`;
      return typeof inner === "string" ? `${name} ${inner}\n` : `${name}\n${printBlock(inner, `${indent}  `)}`;
    })
    .join("");
}
