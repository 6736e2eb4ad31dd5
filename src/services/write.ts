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
  /** The fields that are a value of the configuration as it stands there, each with the key of the value. */
  readonly origins: readonly (readonly [field: Field, key: string])[];
  readonly used: readonly string[];
}

interface Written {
  readonly start: number;
  readonly end: number;
  readonly stretch: Stretch;
  readonly alone: boolean;
  /** Whether it is the first on its line but for blanks. */
  readonly opensLine: boolean;
}

/**
 * Writes values by the rules of the format, each by what really stands around it in this output, whichever blocks that came
 * out of. Then reads the output back as the service will, and holds it against what was meant.
 */
export function writeStretches(stretches: readonly Stretch[], format: Format): Omit<Rendering, "used"> {
  let text = "";
  let maskedText = "";
  let before = "";
  let looked = 0;
  const written: Written[] = [];
  for (const [index, stretch] of stretches.entries()) {
    const start = text.length;
    const isValue = "value" in stretch;
    const alone = isValue && format.alone.before.test(before) && format.alone.after.test(behind(stretches, index));
    const opensLine = isValue && /(?:^|[\r\n])[ \t]*$/.test(before);
    const { exact, masked } = isValue ? writeValue(stretch, alone, format) : verbatim(stretch.text);
    text += exact;
    maskedText += masked;
    written.push({ start, end: text.length, stretch, alone, opensLine });
    if (isValue) looked = countLook(looked + before.length);
    before = isValue ? passValue(before) : before + stretch.text;
  }
  const fields = readBack(text, written, format);
  const secretFields = new Set<Field>();
  const origins: [Field, string][] = [];
  const met = new Set<Written>();
  for (const [piece, field] of meetings(written, fields)) {
    refuseEdge(piece, field, format);
    if (!overlaps(field, piece)) continue;
    met.add(piece);
    compare(piece, field, format);
    if (!("value" in piece.stretch)) continue;
    const { value } = piece.stretch;
    if (value.secret) secretFields.add(field);
    if (value.tracked === true && value.key !== undefined && value.text === field.value)
      origins.push([field, value.key]);
  }
  for (const piece of written) if (!met.has(piece)) refuseLost(text, piece, format);
  return { text, maskedText, fields, secretFields: [...secretFields], origins };
}

/**
 * What the patterns of the format see before the next value: the line so far, and what the template says since. A value
 * shows as a NUL: it is something, and it is not the end of the line. Members of a list are alike to every pattern, so that
 * one stands for three (not for two, which would turn an odd number of quotes into an even one).
 */
function passValue(before: string): string {
  const line = before.slice(Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1);
  return `${line.replace(/(\0[^\0]+)\1\1$/, "$1")}\0`;
}

/** Everything before a value is looked at for each value: what is one line of millions of values is not waited for. */
function countLook(looked: number): number {
  if (looked <= 64 * 1024 * 1024) return looked;
  throw new ConfigSyncError("TEMPLATE_INVALID", "writes too many values into one line", {
    hint: "Break the line of the template, so that each round of #each begins a new one",
  });
}

function behind(stretches: readonly Stretch[], index: number): string {
  let text = "";
  for (let i = index + 1; i < stretches.length; i++) {
    const stretch = stretches[i];
    if (stretch === undefined) break;
    if ("value" in stretch) return `${text}\0`;
    text += stretch.text;
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

/** Every value that was written, with each field that holds it or a part of it, or touches it. */
function* meetings(written: readonly Written[], fields: readonly Field[]): Generator<[Written, Field]> {
  const byStart = fields.toSorted((a, b) => a.start - b.start);
  let first = 0;
  for (const piece of written) {
    if (!("value" in piece.stretch)) continue;
    while ((byStart[first]?.end ?? Number.POSITIVE_INFINITY) < piece.start) first++;
    for (let i = first; (byStart[i]?.start ?? Number.POSITIVE_INFINITY) <= piece.end; i++) {
      const field = byStart[i];
      if (field !== undefined && field.end >= piece.start) yield [piece, field];
    }
  }
}

/** An empty stretch overlaps what it touches: an empty password is a field of its own. */
function overlaps(a: { start: number; end: number }, b: { start: number; end: number }): boolean {
  if (a.start === a.end || b.start === b.end) return a.start <= b.end && b.start <= a.end;
  return a.start < b.end && b.start < a.end;
}

/**
 * A value inside other text stays on its side of the delimiter: `{{x}}=1` must not become `A=` and `B=1`, and a whole line
 * that is a value must not become a key and its value.
 */
function refuseEdge({ start, end, stretch, alone }: Written, field: Field, format: Format): void {
  if (!("value" in stretch) || alone || stretch.site.raw) return;
  const begins = field.start > start && (field.start < end || (field.start === end && field.end > end));
  const ends = field.end > start && field.end < end;
  if (begins || ends) throw misread(stretch, format);
}

/** What is in no field is a name. It must not end its own line's name early, nor make a comment or a section of the line. */
function refuseLost(text: string, { end, stretch, opensLine, alone }: Written, format: Format): void {
  if (!("value" in stretch) || alone || stretch.site.raw || format.merge === undefined) return;
  const delimited = /[=:]$/.test(stretch.value.text) && /^[ \t]*[=:]/.test(text.slice(end, end + 100));
  if (delimited || (opensLine && /^[#;[]/.test(stretch.value.text))) throw misread(stretch, format);
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
  const larger =
    field.start <= piece.start && field.end >= piece.end && field.end - field.start > piece.end - piece.start;
  if (larger || field.value === stretch.value.text) return;
  throw misread(stretch, format);
}

function misread({ value, site }: WrittenValue, format: Format): ConfigSyncError {
  const message = `${nameOf(value)} would be read as something else in ${format.name}`;
  return new ConfigSyncError("UNREPRESENTABLE", message, {
    key: value.key,
    place: { line: site.line, column: site.column },
  });
}

function nameOf(value: Text): string {
  return value.key === undefined ? "a text of the template" : `the value of "${value.key}"`;
}
