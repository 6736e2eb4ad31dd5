import type { Json, JsonTree } from "../../config/json.ts";
import { withNulls } from "../../config/json-tree.ts";
import { ConfigSyncError } from "../../errors.ts";
import { mergeJson } from "../json/merge.ts";
import { type JsonValue, parseJson } from "../json/tree.ts";
import { contentStart } from "../text-edits.ts";
import type { TreeSyntax } from "../tree-file.ts";

/** Comments and trailing commas may be there, and stay. A file without anything is an empty tree. */
export const jsonTree: TreeSyntax = {
  read: (text) => (isBlank(text) ? {} : rootOf(parseJson(text, "foreign"))),
  splice: (text, { wanted, gone, goneMaps }) => {
    // A member that is an object is never removed as a whole, a value is: in between, the map is one.
    const merged = mergeJson(text, write(withNulls(wanted, goneMaps)), gone).text;
    return goneMaps.length === 0 ? merged : mergeJson(merged, write(wanted), goneMaps).text;
  },
};

function write(tree: JsonTree): string {
  return `${JSON.stringify(tree, null, 2)}\n`;
}

function isBlank(text: string): boolean {
  return text.slice(contentStart(text)).trim() === "";
}

function rootOf(value: JsonValue): JsonTree {
  if (value.kind === "object") return treeOf(value);
  throw new ConfigSyncError("PARSE_FAILED", "the file holds a value, and no object with keys", {
    place: { line: 1, column: 1 },
  });
}

function treeOf({ members }: JsonValue & { readonly kind: "object" }): JsonTree {
  return Object.fromEntries([...members].map(([key, { value }]) => [key, jsonOf(value)]));
}

function jsonOf(value: JsonValue): Json {
  return value.kind === "object" ? treeOf(value) : (JSON.parse(value.json) as Json);
}
