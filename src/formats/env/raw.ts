import type { Format } from "../format.ts";
import { contentStart, placesOf } from "../text-edits.ts";
import { refuseCharacters, unrepresentable } from "../unrepresentable.ts";
import { mergeEnv } from "./merge.ts";
import { badLine, type Statement } from "./statement.ts";

/**
 * `docker run --env-file`, and Compose's `format: raw`: everything behind the `=` is the value, quotes and blanks too.
 * The rules of docker/cli 28, pkg/kvfile.
 */
export const rawFormat: Format = {
  name: "env:raw",
  alone: { before: /(?:^|[\r\n])[^=#\0\r\n]+=$/, after: /^(?:$|\r?\n)/ },
  write: writeRaw,
  writePart: writeRaw,
  read: readRaw,
  merge: (existing, wanted, gone) => mergeEnv(readRaw, existing, wanted, gone),
};

/** Docker's scanner gives up on a longer line. */
const maxLineBytes = 65_535;
/** Leaves room for a name on the line. */
const maxValueBytes = 64_000;

const leadingSpaces = /^[\t-\r \x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]*/;

function readRaw(text: string): readonly Statement[] {
  const statements: Statement[] = [];
  const place = placesOf(text);
  let next = contentStart(text);
  for (const whole of text.slice(next).split("\n")) {
    const start = next;
    next += whole.length + 1;
    const line = whole.replace(/\r$/, "");
    const from = start + (leadingSpaces.exec(line)?.[0].length ?? 0);
    const content = line.slice(from - start);
    if (content === "" || content.startsWith("#")) continue;
    if (Buffer.byteLength(whole) > maxLineBytes) throw badLine("a line is longer than 64 KiB", place(from));
    const equals = content.indexOf("=");
    const name = equals < 0 ? content : content.slice(0, equals);
    if (name === "") throw badLine("a line has no name before its =", place(from));
    if (content.includes("\0")) throw badLine("a line holds a NUL character, which no environment can", place(from));
    if (/[ \t]/.test(name)) throw badLine("a line is not NAME=value: blanks in a name are refused", place(from));
    if (equals < 0) continue;
    const value = content.slice(equals + 1);
    const end = from + content.length;
    statements.push({ path: [name], name, value, live: false, from, start: from + equals + 1, end, ...place(from) });
  }
  return statements;
}

function writeRaw(value: string): string {
  refuseCharacters(value, /[\n\r\0]/, "a raw env file");
  if (Buffer.byteLength(value) > maxValueBytes)
    throw unrepresentable("is longer than the 64 KiB that a raw env line can hold");
  return value;
}
