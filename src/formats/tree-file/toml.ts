import { parse, stringify, TomlDate } from "smol-toml";
import type { Json, JsonTree } from "../../config/json.ts";
import { ConfigSyncError } from "../../errors.ts";
import { contentStart } from "../text-edits.ts";
import { mergeToml } from "../toml/merge.ts";
import { parseToml } from "../toml/read.ts";
import type { TreeSyntax } from "../tree-file.ts";

export const tomlTree: TreeSyntax = {
  read: (text) => {
    // Says in our words what is wrong with it, and where.
    parseToml(text);
    return jsonOf(parse(text.slice(contentStart(text)), { integersAsBigInt: true })) as JsonTree;
  },
  splice: (text, { wanted, gone }) => mergeToml(text, write(wanted), gone).text,
};

/** Dates and times are texts to whoever asks, and stay what they are as long as nobody changes them. */
function jsonOf(value: unknown): Json {
  if (value instanceof TomlDate) return value.toISOString();
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== "object" || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOf(inner)]));
}

/** Throws UNREPRESENTABLE for a list with null in it; a null elsewhere is left out, which the check behind the edit finds. */
function write(tree: JsonTree): string {
  try {
    return stringify(tree);
  } catch (cause) {
    throw new ConfigSyncError("UNREPRESENTABLE", `TOML cannot say this: ${(cause as Error).message}`, { cause });
  }
}
