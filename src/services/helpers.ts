import { parseBoolean } from "../config/coerce.ts";
import { formatPath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import { type Branch, type Missing, plainText, type Text } from "./tree.ts";

/** What an expression in a template can be. Literals and the answers of conditions are plain JavaScript values. */
export type Operand = Text | Branch | Missing | readonly Text[] | string | number | boolean | undefined;

export interface Helper {
  /** How many arguments it takes, at least and at most. */
  readonly takes: readonly [number, number];
  readonly run: (...args: Operand[]) => Text | readonly Text[] | boolean;
}

/** The helpers that templates may call, by name. Each is pure; what it makes of a secret is a secret. */
export const helpers: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ["concat", { takes: [1, 100], run: (...parts) => join(parts.map(asText)) }],
  ["default", { takes: [2, 2], run: (value, fallback) => asText(isTruthy(value) ? value : fallback) }],
  ["as", { takes: [2, 2], run: (form, value) => ({ ...asText(value), form: asText(form).text }) }],
  ["lower", { takes: [1, 1], run: (value) => changed(asText(value), (text) => text.toLowerCase()) }],
  ["upper", { takes: [1, 1], run: (value) => changed(asText(value), (text) => text.toUpperCase()) }],
  ["number", { takes: [1, 1], run: (value) => toNumber(asText(value)) }],
  ["boolean", { takes: [1, 1], run: (value) => toBoolean(asText(value)) }],
  ["split", { takes: [1, 2], run: (value, separator) => split(asText(value), separator) }],
  ["eq", { takes: [2, 2], run: (a, b) => !isMissing(a) && !isMissing(b) && asText(a).text === asText(b).text }],
  ["and", { takes: [1, 100], run: (...parts) => parts.every(isTruthy) }],
  ["or", { takes: [1, 100], run: (...parts) => parts.some(isTruthy) }],
  ["not", { takes: [1, 1], run: (value) => !isTruthy(value) }],
]);

/** Whether a condition holds: there, and not empty. `"no"` and `"0"` are texts that are there; `(boolean x)` reads them. */
export function isTruthy(value: Operand): boolean {
  if (isMissing(value)) return false;
  if (isList(value)) return value.length > 0;
  if (typeof value !== "object") return value !== false && value !== "" && value !== 0;
  if (value.kind === "branch") return value.children.size > 0;
  return value.text !== "" && !(value.bare === true && value.text === "false");
}

/** The operand as one text. Throws VALUE_MISSING for what is not there, TEMPLATE_INVALID for sections and lists. */
export function asText(value: Operand): Text {
  if (isMissing(value)) throw missingValue(value);
  if (typeof value === "string") return plainText(value);
  if (typeof value !== "object") return { ...plainText(String(value)), bare: true };
  if (isList(value))
    throw new ConfigSyncError("TEMPLATE_INVALID", "a list cannot be written; go through it with #each");
  if (value.kind === "text") return value;
  const name = value.path.length === 0 ? "the whole configuration" : `"${formatPath(value.path)}"`;
  throw new ConfigSyncError("TEMPLATE_INVALID", `${name} is a section and not a value; name one of its keys`);
}

export function isList(value: Operand): value is readonly Text[] {
  return Array.isArray(value);
}

function isMissing(value: Operand): value is Missing | undefined {
  return value === undefined || (typeof value === "object" && !isList(value) && value.kind === "missing");
}

function missingValue(missing: Missing | undefined): ConfigSyncError {
  if (missing === undefined) return new ConfigSyncError("VALUE_MISSING", "nothing is given here");
  const key = formatPath(missing.path);
  const name = missing.path.at(-1) ?? "";
  const group = formatPath(missing.path.slice(0, -1));
  const where = missing.tracked
    ? `section [${missing.path.slice(0, -1).join(".")}] of config.ini`
    : `"${group}" in config-sync.yaml`;
  return new ConfigSyncError("VALUE_MISSING", `"${key}" is needed here and no source gives it`, {
    key,
    hint: missing.path.length > 1 ? `Put ${name} into ${where}` : `Write it as section.key, such as {{gitea.${name}}}`,
  });
}

function join(parts: readonly Text[]): Text {
  const keys = parts.flatMap((part) => part.key ?? []);
  return {
    kind: "text",
    text: parts.map((part) => part.text).join(""),
    shown: parts.map((part) => part.shown).join(""),
    secret: parts.some((part) => part.secret),
    key: keys.length === 0 ? undefined : keys.join(" + "),
  };
}

/** The tag of a secret stays as it is: it says which secret, not what became of it. */
function changed(value: Text, change: (text: string) => string): Text {
  const text = change(value.text);
  return { kind: "text", text, shown: value.secret ? value.shown : text, secret: value.secret, key: value.key };
}

function toNumber(value: Text): Text {
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value.text)) return { ...value, bare: true };
  throw notA(value, "a number", "Write digits only, such as 3000");
}

function toBoolean(value: Text): Text {
  const boolean = parseBoolean(value.text);
  if (boolean === undefined) throw notA(value, "true or false", "Write true or false (yes/no, on/off, 1/0 do as well)");
  return { ...changed(value, () => String(boolean)), bare: true };
}

function notA(value: Text, what: string, hint: string): ConfigSyncError {
  const name = value.key === undefined ? "the text" : `"${value.key}"`;
  return new ConfigSyncError("VALUE_INVALID", `${name} is not ${what}`, { key: value.key, hint });
}

/** The pieces between the separators (a comma unless told), without surrounding blanks and without empty ones. */
function split(value: Text, separator: Operand): readonly Text[] {
  const between = separator === undefined ? "," : asText(separator).text;
  const pieces = value.text.split(between === "" ? "," : between).map((piece) => piece.trim());
  return pieces.filter((piece) => piece !== "").map((piece) => changed(value, () => piece));
}
