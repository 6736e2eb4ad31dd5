import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { keyOf, type Oracle, type Reading, type Verdict } from "../reading.ts";
import { readTree, type TaggedTree } from "./tagged-tree.ts";

/** A row of an INI reader: section, key, literal, field, meant. */
type Row = readonly [section: string, key: string, literal: string | null, field: string | null, meant: string | null];

export type IniKind = "config" | "python" | "bridge" | "supervisor";
export type TreeKind = "toml" | "json" | "yaml";

/** Debian's own Python, which has supervisor and PyYAML; another one may come first on the PATH. */
const interpreter = "/usr/bin/python3";

/** One of Python's INI readers. */
export async function startPythonIni(kind: IniKind): Promise<Oracle> {
  return startPython(kind, (answer) => readRows(answer as readonly Row[] | null));
}

/** One of Python's readers of trees. */
export async function startPythonTree(kind: TreeKind): Promise<Oracle> {
  return startPython(kind, (answer) => readTree(answer as TaggedTree | null, { points: kind === "toml" }));
}

/** One process for all texts: starting Python costs more than a thousand of them. */
async function startPython(kind: string, verdictOf: (answer: unknown) => Verdict): Promise<Oracle> {
  const program = path.join(import.meta.dirname, "readers.py");
  const child = spawn(interpreter, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  ended.catch(() => {});
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  return {
    read: async (text) => {
      child.stdin.write(`${JSON.stringify({ kind, text })}\n`);
      const { value, done } = await lines.next();
      if (done)
        throw new Error(`${interpreter} ended; the contests need Debian's python3, supervisor and python3-yaml`);
      return verdictOf(JSON.parse(value));
    },
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function readRows(rows: readonly Row[] | null): Reading | undefined {
  if (rows === null) return undefined;
  const fields = new Map<string, string>();
  const literals = new Map<string, string>();
  const meant = new Map<string, string>();
  for (const [section, key, literal, field, final] of rows) {
    const id = keyOf([section, key]);
    if (field !== null) fields.set(id, field);
    if (literal !== null) literals.set(id, literal);
    if (final !== null) meant.set(id, final);
  }
  return { fields, literals, meant };
}
