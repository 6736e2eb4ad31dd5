import type { Path } from "../../../src/config/path.ts";
import type { Frame } from "../duel.ts";

/** The keys that merges set: some that the texts have, some that they have not. */
export const iniPaths: readonly Path[] = ["s", "t", "fresh"].flatMap((section) =>
  ["a", "b", "long-key", "fresh"].map((key) => [section, key]),
);

/** Surroundings of a value that every INI dialect takes: spaced or not, first or last, in files with either line ending. */
export const iniFrames: readonly Frame[] = [
  { before: "[s]\nbefore = 1\nk = ", after: "\nafter = 2\n[t]\nk = 3\n", path: ["s", "k"] },
  { before: "[s]\nk=", after: "", path: ["s", "k"] },
  { before: "# c\n[t]\na = 1\n\n[s]\nk = ", after: "\n\n# c\n[u]\nb = 2\n", path: ["s", "k"] },
  { before: "[s]\r\nk = ", after: "\r\nafter = 2\r\n", path: ["s", "k"] },
];
