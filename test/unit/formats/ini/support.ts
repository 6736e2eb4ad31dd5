import fc from "fast-check";
import { ConfigSyncError, type ErrorCode } from "../../../../src/errors.ts";
import type { Format } from "../../../../src/formats/format.ts";
import { cockpitIni } from "../../../../src/formats/ini/cockpit.ts";
import { genericIni } from "../../../../src/formats/ini/generic.ts";
import { giteaIni } from "../../../../src/formats/ini/gitea.ts";
import { pythonIni } from "../../../../src/formats/ini/python.ts";
import { supervisorIni } from "../../../../src/formats/ini/supervisor.ts";

export const formats: readonly Format[] = [giteaIni, cockpitIni, pythonIni, supervisorIni, genericIni];

/** The values of a text as `section.key` → value, the last of duplicates. */
export function valuesOf(format: Pick<Format, "read">, text: string): Record<string, string> {
  return Object.fromEntries(format.read(text).map(({ path, value }) => [path.join("."), value]));
}

export function merge(format: Format, existing: string, wanted: string, gone: readonly (readonly string[])[] = []) {
  if (format.merge === undefined) throw new Error(`${format.name} has no merge`);
  return format.merge(existing, wanted, gone);
}

/** The error that `act` throws, which must have the code. */
export function refusal(code: ErrorCode, act: () => unknown): ConfigSyncError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigSyncError && error.code === code) return error;
    throw error;
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}

/** What `act` gives, or undefined if it refuses. Anything but a refusal of ours is thrown on. */
export function unlessRefused<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof ConfigSyncError && (error.code === "PARSE_FAILED" || error.code === "UNREPRESENTABLE"))
      return undefined;
    throw error;
  }
}

const nasty = [
  ..." \t\n\r#;=:`'\"%()\\[]$,a1é\u0085\u00a0\u2028\ufeff\x1c",
  '"""',
  "%%",
  "%(a)s",
  "%(here)s",
  " ;",
  " #",
  "true",
  "\r\n",
];

/** Short values made of what means something to some reader. */
export const nastyValue = fc.oneof(
  fc.array(fc.constantFrom(...nasty), { maxLength: 8 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 20 }),
);

const lineParts = [
  ...nasty,
  "[s]",
  "[a.b]",
  "[a]",
  "key",
  "k = v",
  "\n",
  "\n",
  "- = ",
  "  more",
  "; c",
  "# c",
  "a[]=1",
  "\nk2=1\n",
];

/** Texts that look like INI files, many of them broken. */
export const nastyText = fc.array(fc.constantFrom(...lineParts), { maxLength: 25 }).map((parts) => parts.join(""));

/** Texts that every dialect accepts: sections and keys in order, comments, blank lines, either line ending. */
export const plainText = fc
  .record({
    sections: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom("alpha", "beta", "gamma", "delta"),
        spaced: fc.boolean(),
        keys: fc.uniqueArray(
          fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.constantFrom("1", "two", "x y", "")),
          {
            selector: ([key]) => key,
          },
        ),
        comment: fc.boolean(),
      }),
      { selector: ({ name }) => name, minLength: 1 },
    ),
    final: fc.boolean(),
  })
  .map(({ sections, final }) => {
    const lines = sections.flatMap(({ name, spaced, keys, comment }) => [
      ...(comment ? [`# about ${name}`] : []),
      `[${name}]`,
      ...keys.map(([key, value]) => `${key}${spaced ? " = " : "="}${value}`),
      "",
    ]);
    const text = lines.join("\n");
    return final ? text : text.trimEnd();
  });
