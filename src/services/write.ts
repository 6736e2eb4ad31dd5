import { ConfigSyncError } from "../errors.ts";
import type { Field, Format } from "../formats/format.ts";
import type { Content, Site } from "./rewrite.ts";
import type { Text } from "./tree.ts";

/** A piece of an output: text of the template, or a value that goes in. */
export type Stretch = Content | WrittenValue;

export interface WrittenValue {
  readonly value: Text;
  readonly site: Site;
}

export interface Rendering {
  readonly text: string;
  /** The same for people: secrets as tags. It is for diffs; a format may be unable to read it. */
  readonly maskedText: string;
  /** What the format's reader gets from `text`. */
  readonly fields: readonly Field[];
  /** The fields, by number, that hold a secret or a part of one. */
  readonly secretFields: readonly Field[];
  readonly used: readonly string[];
}

interface Written {
  readonly start: number;
  readonly end: number;
  readonly stretch: Stretch;
  readonly alone: boolean;
}

/**
 * Writes values by the rules of the format, each by what really stands around it in this output, whichever blocks that came
 * out of. Then reads the output back as the service will, and holds it against what was meant.
 */
export function writeStretches(stretches: readonly Stretch[], format: Format): Omit<Rendering, "used"> {
  let text = "";
  let maskedText = "";
  const written: Written[] = [];
  for (const [index, stretch] of stretches.entries()) {
    const start = text.length;
    const alone = "value" in stretch && standsAlone(stretches, index, format);
    const { exact, masked } = "value" in stretch ? writeValue(stretch, alone, format) : verbatim(stretch.text);
    text += exact;
    maskedText += masked;
    written.push({ start, end: text.length, stretch, alone });
  }
  const fields = readBack(text, written, format);
  const secretFields = new Set<Field>();
  for (const [piece, field] of meetings(written, fields)) {
    compare(piece, field, format);
    if ("value" in piece.stretch && piece.stretch.value.secret) secretFields.add(field);
  }
  return { text, maskedText, fields, secretFields: [...secretFields] };
}

/** A neighbouring value shows to the format's patterns as a NUL: it is something, and it is not the end of the line. */
function standsAlone(stretches: readonly Stretch[], index: number, format: Format): boolean {
  const before = around(stretches, index, -1);
  const after = around(stretches, index, 1);
  return format.alone.before.test(before) && format.alone.after.test(after);
}

function around(stretches: readonly Stretch[], index: number, step: 1 | -1): string {
  let text = "";
  for (let i = index + step; i >= 0 && i < stretches.length; i += step) {
    const stretch = stretches[i];
    if (stretch === undefined) break;
    const piece = "value" in stretch ? "\0" : stretch.text;
    text = step === 1 ? text + piece : piece + text;
    if ("value" in stretch) break;
  }
  return text;
}

function writeValue({ value, site }: WrittenValue, alone: boolean, format: Format): { exact: string; masked: string } {
  if (site.raw) return { exact: value.text, masked: value.shown };
  if (alone && value.bare === true && typed.has(format.name))
    return { exact: value.text, masked: maskBare(value, format) };
  const write = value.form === undefined ? (alone ? format.write : format.writePart) : formOf(format, value.form, site);
  try {
    const exact = write(value.text);
    return { exact, masked: value.secret ? lenient(write, value.shown) : exact };
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    throw new ConfigSyncError(error.code, error.message.replace(/^the value/, nameOf(value)), {
      key: value.key,
      place: { line: site.line, column: site.column },
      hint: error.hint,
    });
  }
}

function formOf(format: Format, name: string, { line, column }: Site): (value: string) => string {
  const forms = new Map(Object.entries(format.forms ?? {}));
  const form = forms.get(name);
  if (form !== undefined) return form;
  const known = [...forms.keys()];
  throw new ConfigSyncError("TEMPLATE_INVALID", `${format.name} has no form "${name}"`, {
    place: { line, column },
    hint: known.length === 0 ? "Write the value without as" : `It has ${known.join(", ")}`,
  });
}

/** The formats that tell numbers and booleans from text. */
const typed: ReadonlySet<string> = new Set(["json", "yaml", "toml"]);

function maskBare(value: Text, format: Format): string {
  return value.secret ? lenient(format.write, value.shown) : value.text;
}

/** Masking never fails where the real thing succeeds. */
function lenient(write: (value: string) => string, shown: string): string {
  try {
    return write(shown);
  } catch {
    return shown;
  }
}

function verbatim(text: string): { exact: string; masked: string } {
  return { exact: text, masked: text };
}

function readBack(text: string, written: readonly Written[], format: Format): readonly Field[] {
  try {
    return format.read(text);
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const line = error.place.line ?? 1;
    const { templateLine, key } = trace(text, written, line);
    throw new ConfigSyncError(
      "TEMPLATE_INVALID",
      `renders something that ${format.name} cannot read: ${error.message}`,
      {
        place: { line: templateLine },
        key,
        hint: error.hint,
        cause: error,
      },
    );
  }
}

/** Which line of the template a line of the output comes from, and the key of a value that stands in it. */
function trace(
  text: string,
  written: readonly Written[],
  line: number,
): { templateLine: number; key: string | undefined } {
  let start = 0;
  for (let i = 1; i < line; i++) start = text.indexOf("\n", start) + 1;
  const lineEnd = text.indexOf("\n", start);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const origin = written.findLast((piece) => piece.start <= start) ?? written[0];
  const value = written.find((p) => "value" in p.stretch && p.start <= end && p.end >= start)?.stretch;
  const key = value !== undefined && "value" in value ? value.value.key : undefined;
  if (origin === undefined) return { templateLine: 1, key };
  if ("value" in origin.stretch) return { templateLine: origin.stretch.site.line, key };
  const above = origin.stretch.text.slice(0, start - origin.start).split("\n").length - 1;
  return { templateLine: origin.stretch.line + above, key };
}

/** Every value that was written, with each field that holds it or a part of it. */
function* meetings(written: readonly Written[], fields: readonly Field[]): Generator<[Written, Field]> {
  const byStart = fields.toSorted((a, b) => a.start - b.start);
  let first = 0;
  for (const piece of written) {
    if (!("value" in piece.stretch)) continue;
    while ((byStart[first]?.end ?? Number.POSITIVE_INFINITY) < piece.start) first++;
    for (let i = first; (byStart[i]?.start ?? Number.POSITIVE_INFINITY) <= piece.end; i++) {
      const field = byStart[i];
      if (field !== undefined && overlaps(field, piece)) yield [piece, field];
    }
  }
}

/** An empty stretch overlaps what it touches: an empty password is a field of its own. */
function overlaps(a: { start: number; end: number }, b: { start: number; end: number }): boolean {
  if (a.start === a.end || b.start === b.end) return a.start <= b.end && b.start <= a.end;
  return a.start < b.end && b.start < a.end;
}

/**
 * A value that stands alone must come back exactly. A format's writer sees the value only; this sees also what the
 * rest of the file makes of it, such as `%(NAME)s` where that name is a key of the same section. A field that is
 * larger than the value, such as a list, has more in it than the value.
 */
function compare(piece: Written, field: Field, format: Format): void {
  const { stretch, alone } = piece;
  if (
    !("value" in stretch) ||
    !alone ||
    stretch.site.raw ||
    stretch.value.form !== undefined ||
    stretch.value.bare === true
  )
    return;
  const { value, site } = stretch;
  const larger =
    field.start <= piece.start && field.end >= piece.end && field.end - field.start > piece.end - piece.start;
  if (larger || field.value === value.text) return;
  throw new ConfigSyncError("UNREPRESENTABLE", `${nameOf(value)} would be read as something else in ${format.name}`, {
    key: value.key,
    place: { line: site.line, column: site.column },
  });
}

function nameOf(value: Text): string {
  return value.key === undefined ? "a text of the template" : `the value of "${value.key}"`;
}
