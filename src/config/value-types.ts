/**
 * The types that a schema gives to values. A value is a text, and stays as it is written: a type only says whether the text is one of
 * its kind, and how large it is. An empty value is no value and is never asked here.
 */
import { isIP } from "node:net";
import { parseBoolean } from "./coerce.ts";

export interface ValueType {
  readonly name: string;
  /** Completes the sentence "gitea.http_port …" for a text that is not of this type. Never holds the text: it may be secret. */
  readonly problem: (text: string) => string | undefined;
  readonly size: Size;
}

/** What `min` and `max` mean for a type. */
interface Size {
  readonly of: (text: string) => number;
  /** A bound as it stands in the schema; undefined where it is none. */
  readonly bound: (written: number | string) => number | undefined;
  /** Completes the same sentence: `is less than 5`. */
  readonly below: (bound: number | string) => string;
  readonly above: (bound: number | string) => string;
}

const asNumber = (written: number | string): number | undefined => (typeof written === "number" ? written : undefined);

const amount: Size = {
  of: Number,
  bound: asNumber,
  below: (bound) => `is less than ${bound}`,
  above: (bound) => `is more than ${bound}`,
};

function countOf(things: string, count: (text: string) => number): Size {
  return {
    of: count,
    bound: asNumber,
    below: (bound) => `has fewer than ${bound} ${things}`,
    above: (bound) => `has more than ${bound} ${things}`,
  };
}

const characters = countOf("characters", (text) => [...text].length);

const length: Size = {
  of: (text) => parseSpan(text) ?? 0,
  bound: (written) => parseSpan(String(written)),
  below: (bound) => `is shorter than ${bound}`,
  above: (bound) => `is longer than ${bound}`,
};

/** The names are what `type` says in a schema. */
export const valueTypes: readonly ValueType[] = [
  { name: "text", problem: () => undefined, size: characters },
  { name: "enum", problem: () => undefined, size: characters },
  typeOf("integer", amount, (text) => /^[+-]?\d{1,15}$/.test(text), "a whole number"),
  typeOf("number", amount, (text) => /^[+-]?\d{1,15}(\.\d{1,15})?$/.test(text), "a number, such as 3 or 0.5"),
  typeOf("boolean", characters, (text) => parseBoolean(text) !== undefined, "true or false"),
  typeOf("port", amount, isPort, "a port: a whole number from 1 to 65535"),
  typeOf("url", characters, isUrl, "a URL, such as https://example.com/path"),
  typeOf("host", characters, isHost, "a host: a name such as git.example.com, or an IP address"),
  typeOf("email", characters, isEmail, "an e-mail address, such as admin@example.com"),
  typeOf("duration", length, (text) => parseSpan(text) !== undefined, "a duration, such as 30s, 5m or 1h30m"),
  typeOf(
    "list",
    countOf("items", (text) => text.split(",").length),
    isList,
    "a list: items between commas, none empty",
  ),
  typeOf("path", characters, isPath, "an absolute path, such as /data/app"),
  typeOf("certificate", characters, isPath, "the absolute path of a certificate"),
];

function typeOf(name: string, size: Size, accepts: (text: string) => boolean, what: string): ValueType {
  return { name, size, problem: (text) => (accepts(text) ? undefined : `is not ${what}`) };
}

/** No zero in front: `080` is 80 to one reader, none to the next, and `010` is 8 to a third. */
function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}

/** With a host, which rules out `localhost:3000`: for URL that is the scheme `localhost:`. */
function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/]/i.test(text) && !/\s/.test(text) && URL.canParse(text);
}

/** Underscores as in names of containers. A last label of digits only is a mistyped address. */
function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const labels = text.split(".");
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  );
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf("@");
  return at > 0 && at <= 64 && /^[^\s@,;<>]+$/.test(text.slice(0, at)) && isHost(text.slice(at + 1));
}

function isList(text: string): boolean {
  return text.split(",").every((item) => item.trim() !== "");
}

function isPath(text: string): boolean {
  return text.startsWith("/") && text.length <= 4096 && !/\p{Cc}/u.test(text);
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of what services written in Go take, too: `1h30m`. */
function parseSpan(text: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,9})?(ms|[smh])){1,4}$/.test(text)) return undefined;
  const pieces = text.matchAll(/([\d.]+)(ms|[smh])/g);
  return [...pieces].reduce((sum, [, number, unit = ""]) => sum + Number(number) * (units[unit] ?? 0), 0);
}
