import type { Format } from "./format.ts";
import { refuseCharacters } from "./unrepresentable.ts";

/** Any text without keys: nothing is quoted, and what could start a new line or hide in a terminal is refused. */
export const textFormat: Format = {
  name: "text",
  alone: { before: /^/, after: /^/ },
  write: writeText,
  writePart: writeText,
  read: () => [],
};

function writeText(value: string): string {
  refuseCharacters(value, /[^\P{Cc}\t]/u, "a plain text output");
  return value;
}
