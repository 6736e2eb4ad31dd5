import fc from "fast-check";
import type { Path } from "../../../src/config/path.ts";
import { joined } from "../arbitraries.ts";
import type { Frame } from "../duel.ts";

export const envPaths: readonly Path[] = ["A", "B", "long_name", "fresh"].map((name) => [name]);

export const envFrames: readonly Frame[] = [
  { before: "A=1\nK=", after: "\nZ=2\n", path: ["K"] },
  { before: "K=", after: "", path: ["K"] },
  { before: "# c\nA='x'\n\nK=", after: '\n# c\nB="y"\n', path: ["K"] },
  { before: "A=1\r\nK=", after: "\r\nZ=2\r\n", path: ["K"] },
];

/** For readers that know `export`, blanks around `=` and comments behind a value. */
export const exportingFrames: readonly Frame[] = [
  ...envFrames,
  { before: "export K = ", after: " # c\nZ=2\n", path: ["K"] },
];
export const exportingTemplates: readonly string[] = [
  "K={{v.x}}\nZ=1\n",
  "K={{v.x}} # c\nZ=1\n",
  "K=a{{v.x}}z\nZ=1\n",
  'K="{{v.x}}"\nZ=1\n',
  "K='a{{v.x}}'\nZ=1\n",
  "K={{v.x}}{{v.x}}\nZ=1\n",
  "K=1 # {{v.x}}\nZ=1\n",
  "# {{v.x}}\nZ=1\n",
  "{{v.x}}=1\nZ=1\n",
  "A_{{v.x}}=1\nZ=1\n",
];

export interface EnvPieces {
  readonly names: readonly string[];
  readonly delimiters: readonly string[];
  readonly values: readonly string[];
  readonly others: readonly string[];
  /** Lines that spoil a file, or that one key has several of. */
  readonly broken: readonly string[];
}

export function likelyEnv({ names, delimiters, values, others }: EnvPieces): fc.Arbitrary<string> {
  const value = joined(fc.constantFrom(...values), 4);
  const quoted = fc.tuple(fc.constantFrom('"', "'", "`"), value).map(([quote, inner]) => quote + inner + quote);
  const statement = fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom(...delimiters),
      fc.oneof(value, quoted),
      fc.constantFrom("", "", " # c"),
    )
    .map((parts) => parts.join(""));
  const line = fc.oneof(
    { weight: 4, arbitrary: statement },
    { weight: 1, arbitrary: fc.constantFrom("", "# note", ...others) },
  );
  return fc
    .tuple(fc.array(line, { maxLength: 6 }), fc.constantFrom("\n", "\n", "\r\n"), fc.boolean())
    .map(([lines, newline, isEnded]) => lines.join(newline) + (isEnded ? newline : ""));
}

export function wildEnv({ names, delimiters, values, others, broken }: EnvPieces): fc.Arbitrary<string> {
  const some = fc.constantFrom(
    ...names,
    ...delimiters,
    ...values,
    ...others,
    ...broken,
    "'",
    '"',
    "`",
    "#",
    "\n",
    "\n",
    "\\",
    " ",
    "$",
  );
  return fc.tuple(fc.constantFrom("", "", "", "\ufeff"), joined(some, 14)).map((parts) => parts.join(""));
}
