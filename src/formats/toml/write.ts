import type { Path } from "../../config/path.ts";
import { refuseCharacters } from "../unrepresentable.ts";

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

/** A basic string on one line: it can hold every Unicode text. */
export function writeBasicString(value: string): string {
  refuseCharacters(value, /(?!)/, "TOML");
  const body = value.replace(/["\\\x00-\x1f\x7f]/g, (character) => {
    return escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${body}"`;
}

/** A dotted key, its parts quoted where they must be. */
export function writeKey(path: Path): string {
  return path.map((segment) => (/^[A-Za-z0-9_-]+$/.test(segment) ? segment : writeBasicString(segment))).join(".");
}
