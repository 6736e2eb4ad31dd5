import { ConfigSyncError } from "../errors.ts";

/** Throws UNREPRESENTABLE if the value holds a character of `forbidden`, or half a surrogate pair, which no UTF-8 file can hold. */
export function refuseCharacters(value: string, forbidden: RegExp, where: string, hint?: string): void {
  const found = value.isWellFormed() ? forbidden.exec(value)?.[0] : "\uD800";
  if (found !== undefined) throw unrepresentable(`holds ${nameCharacter(found)}, which ${where} cannot express`, hint);
}

/** The message continues "the value …"; it never repeats the value. */
export function unrepresentable(why: string, hint?: string): ConfigSyncError {
  return new ConfigSyncError("UNREPRESENTABLE", `the value ${why}`, { hint });
}

const names: Readonly<Record<string, string>> = {
  "\n": "a line break",
  "\r": "a carriage return",
  "\t": "a tab",
  "\0": "a NUL character",
  " ": "a blank",
  "\uD800": "half of a surrogate pair",
};

function nameCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0x20 && code < 0x7f) return `the character ${character}`;
  return names[character] ?? `the character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
