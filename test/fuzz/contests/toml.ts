import fc from "fast-check";
import { stringify } from "smol-toml";
import { tomlFormat } from "../../../src/formats/toml/format.ts";
import { joined } from "../arbitraries.ts";
import { createContest } from "../duel.ts";
import { startPythonTree } from "../oracles/python.ts";
import { isTree, type Leaf, type Tree, tree, treeSide, type Written } from "./trees.ts";

const likely = fc
  .tuple(tree, fc.constantFrom("library", "inline", "dotted"), fc.constantFrom("\n", "\n", "\r\n"))
  .map(([value, style, newline]) => print(value, style).replaceAll("\n", newline));

const lines = [
  "[s]",
  "[s.t]",
  "[[l]]",
  "a = 1",
  'b = "x"',
  "c = 'y'",
  'd.e = """\nz\\\n  w"""',
  "f = [1, # c\n 2]",
  "g = {h = 1}",
  "# c",
];
const tokens = [
  ..."[]{}=.,#\"'\\ \n\t",
  '"""',
  "'''",
  "true",
  "1_000",
  "0x1F",
  "1e5",
  "+1",
  "-0",
  "01",
  "inf",
  "nan",
  "\\u00e9",
  "a",
  "é",
];
const wild = fc.oneof(
  joined(fc.constantFrom(...lines), 6, "\n"),
  joined(fc.constantFrom(...tokens), 12),
  fc
    .tuple(likely, fc.nat(60), fc.constantFrom(...tokens))
    .map(([text, at, token]) => text.slice(0, at) + token + text.slice(at)),
);

export const tomlContest = createContest({
  name: "toml",
  against: "Python's tomllib",
  needsPrograms: true,
  startOracle: () => startPythonTree("toml"),
  ...treeSide(tomlFormat, printWritten),
  frames: [
    { before: "k = ", after: "\nz = 1\n", path: ["k"] },
    { before: "[s]\nk = ", after: " # c\n[t]\nz = 1\n", path: ["s", "k"] },
    { before: "s = { k = ", after: ", z = 1 }", path: ["s", "k"] },
  ],
  readsToo: [
    {
      why: "TOML 1.1: line breaks and a last comma in inline tables, \\e and \\x",
      applies: (text) => /\{[^}]*[,\n]|\\[ex]/.test(text),
    },
  ],
  likely,
  wild,
  templates: [
    "k = {{v.x}}\nlast = 1\n",
    'k = "a{{v.x}}z"\nlast = 1\n',
    "k = 'a{{v.x}}z'\nlast = 1\n",
    "k = [{{v.x}}, {{v.x}}]\nlast = 1\n",
    'k = """\n{{v.x}}"""\nlast = 1\n',
    "k = '''{{v.x}}{{v.x}}'''\nlast = 1\n",
    "k = 1 # {{v.x}}\nlast = 1\n",
    'k = 1\n["{{v.x}}"]\nlast = 1\n',
    "[{{v.x}}]\nlast = 1\n",
    '"{{v.x}}" = 1\nlast = 1\n',
  ],
});

type Style = "library" | "inline" | "dotted";

function print(value: Tree, style: string): string {
  if (style === "library") return stringify(value);
  return entriesOf(value, [], style as Style)
    .map(([path, written]) => `${path.map((name) => JSON.stringify(name)).join(".")} = ${written}\n`)
    .join("");
}

function entriesOf(value: Tree, path: readonly string[], style: Style): (readonly [readonly string[], string])[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = [...path, name];
    if (isTree(inner) && style === "dotted" && Object.keys(inner).length > 0) return entriesOf(inner, at, style);
    return [[at, printInline(inner)] as const];
  });
}

function printInline(value: Tree | Leaf): string {
  if (typeof value === "string") return tomlFormat.write(value);
  if (typeof value === "number")
    return String(value)
      .replace(/e\+?/, ".0e")
      .replace(/(\.\d+)\.0e/, "$1e");
  if (typeof value === "boolean") return String(value);
  if (!isTree(value)) return `[ ${value.map(printInline).join(", ")} ]`;
  const members = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)} = ${printInline(inner)}`);
  return `{ ${members.join(", ")} }`;
}

function printWritten(value: Written): string {
  const lines = (at: Written, path: readonly string[]): string[] =>
    Object.entries(at).flatMap(([name, inner]) => {
      const here = [...path, JSON.stringify(name)];
      return typeof inner === "string" ? [`${here.join(".")} = ${inner}\n`] : lines(inner, here);
    });
  return lines(value, []).join("");
}
