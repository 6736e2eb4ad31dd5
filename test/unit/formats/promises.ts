/** What every format with keys promises, as checks that the property tests of each format call. */
import fc from "fast-check";
import { expect } from "vitest";
import { formatPath, type Path } from "../../../src/config/path.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { Format, Merged } from "../../../src/formats/format.ts";

export type Values = ReadonlyMap<string, string>;

const hostile = [
  "'",
  '"',
  "`",
  "#",
  ";",
  "=",
  ":",
  "%",
  "$",
  "${",
  "{",
  "}",
  "[",
  "]",
  "\\",
  "\\n",
  "\n",
  "\r\n",
  "\t",
  " ",
];
const strange = [
  "",
  "\0",
  "\u0001",
  "\u007f",
  "\u0085",
  "\u2028",
  "\ufeff",
  "\ud800",
  "é",
  "💧",
  "__proto__",
  "export ",
  "- ",
  "|",
];

/** Values made of what formats trip over. */
export const hostileValue = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc
    .array(fc.constantFrom(...hostile, ...strange, "a", "B", "0", "true", "null"), { maxLength: 12 })
    .map((parts) => parts.join("")),
);

export function valuesOf(format: Pick<Format, "read">, text: string): Values {
  return new Map(format.read(text).map((field) => [formatPath(field.path), field.value]));
}

/** Writes the value with `around`, and expects to read it back exactly, or UNREPRESENTABLE. Tells whether it was written. */
export function expectExactOrRefused(
  format: Format,
  value: string,
  around: (written: string) => string,
  path: Path,
): boolean {
  const written = orRefusal(() => format.write(value), ["UNREPRESENTABLE"]);
  if (written === undefined) return false;
  const text = around(written);
  const field = format.read(text).find((candidate) => formatPath(candidate.path) === formatPath(path));
  expect(field?.value).toBe(value);
  expect(text.slice(field?.start, field?.end)).toBe(written);
  return true;
}

/** Merges, and holds the outcome to the promises that can be seen from outside. Undefined where it was refused. */
export function mergeAndCheck(
  format: Format,
  existing: string,
  wanted: string,
  gone: readonly Path[],
): Merged | undefined {
  const merge = format.merge;
  if (merge === undefined) throw new Error(`${format.name} has no merge`);
  const merged = orRefusal(() => merge(existing, wanted, gone), ["UNREPRESENTABLE"]);
  if (merged === undefined) return undefined;
  expect(merge(merged.text, wanted, gone)).toEqual({ text: merged.text, written: [] });
  if (merged.written.length === 0 && gone.length === 0) expect(merged.text).toBe(existing);
  expect(merged.text.startsWith("\uFEFF")).toBe(existing.startsWith("\uFEFF"));
  if (/\r\n/.test(existing) && !/(?<!\r)\n/.test(existing)) expect(merged.text).not.toMatch(/(?<!\r)\n/);
  return merged;
}

/** Every line of `lines` is in `text`, in this order. */
export function expectLinesInOrder(text: string, lines: readonly string[]): void {
  const present = text.split(/\r?\n/);
  let from = 0;
  for (const line of lines) {
    const at = present.indexOf(line, from);
    expect(at, `the line ${JSON.stringify(line)} is in order in ${JSON.stringify(text)}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
}

export function errorOf(action: () => unknown): ConfigSyncError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigSyncError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function orRefusal<T>(action: () => T, codes: readonly string[]): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof ConfigSyncError && codes.includes(error.code)) return undefined;
    throw error;
  }
}
