import { refuseCharacters } from "../unrepresentable.ts";

/**
 * A double-quoted scalar on one line. JSON's escapes are YAML's; what YAML takes for a line break or does not count as
 * printable is escaped on top.
 */
export function writeYamlString(value: string): string {
  refuseCharacters(value, /\0/, "YAML");
  return JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029\uFEFF\uFFFE\uFFFF]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const words = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** A key, bare where no YAML version could take it for anything but a string. */
export function writeYamlKey(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) && !words.test(key) ? key : writeYamlString(key);
}

/** A value as YAML in one line: JSON, with its strings written the YAML way. */
export function writeYamlFlow(value: unknown): string {
  if (typeof value === "string") return writeYamlString(value);
  if (Array.isArray(value)) return `[${value.map(writeYamlFlow).join(", ")}]`;
  if (typeof value !== "object" || value === null) return writeYamlNumber(value);
  const members = Object.entries(value).map(([key, inner]) => `${writeYamlString(key)}: ${writeYamlFlow(inner)}`);
  return `{${members.join(", ")}}`;
}

function writeYamlNumber(value: unknown): string {
  if (typeof value !== "number" || Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return ".nan";
  return value > 0 ? ".inf" : "-.inf";
}
