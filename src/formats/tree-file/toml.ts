import { parse, stringify, TomlDate } from "smol-toml";
import type { Json, JsonTree } from "../../config/json.ts";
import { formatPath, type Path } from "../../config/path.ts";
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

/** Throws UNREPRESENTABLE with the key. */
function write(tree: JsonTree): string {
  refuseNull(tree, []);
  return stringify(tree);
}

function refuseNull(value: Json, at: Path): void {
  if (value === null) {
    const key = formatPath(at);
    const hint = "Give a value, or leave it out";
    throw new ConfigSyncError("UNREPRESENTABLE", `${key} is null, which TOML does not have`, { key, hint });
  }
  if (typeof value !== "object") return;
  for (const [name, inner] of Object.entries(value)) refuseNull(inner, [...at, name]);
}
