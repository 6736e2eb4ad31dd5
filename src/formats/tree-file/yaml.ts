import { isMap } from "yaml";
import type { Json, JsonTree } from "../../config/json.ts";
import { valueAt, withNulls } from "../../config/json-tree.ts";
import type { Path } from "../../config/path.ts";
import { typedFieldOf } from "../tree.ts";
import type { TreeSyntax } from "../tree-file.ts";
import { mergeYaml } from "../yaml/merge.ts";
import { fieldsOfYaml, pairsOf, parseYamlText, type YamlMapping, type YamlPair, type YamlText } from "../yaml/read.ts";
import { writeYamlFlow, writeYamlKey } from "../yaml/write.ts";

export const yamlTree: TreeSyntax = {
  read: (text) => {
    const yaml = parseYamlText(text);
    if (yaml.root === null) return {};
    if (isMap(yaml.root)) return treeOf(yaml, yaml.root);
    throw yaml.fail("the file holds a value, and no mapping", yaml.root.range[0]);
  },
  splice: (text, { wanted, gone, goneMaps }) => {
    const values = writeYaml(wanted);
    const merged = mergeYaml(text, values, gone).text;
    // A map goes with the last of its keys. One that had none (`{}`) is made a value first, which can be removed.
    const left = goneMaps.length === 0 ? [] : thereIn(merged, goneMaps);
    if (left.length === 0) return merged;
    return mergeYaml(mergeYaml(merged, writeYaml(withNulls({}, left)), []).text, values, left).text;
  },
};

function thereIn(text: string, paths: readonly Path[]): readonly Path[] {
  const tree = yamlTree.read(text);
  return paths.filter((path) => valueAt(tree, path) !== undefined);
}

function writeYaml(tree: JsonTree): string {
  return `${blockOf(tree, "")}\n`;
}

function treeOf(yaml: YamlText, mapping: YamlMapping): JsonTree {
  return Object.fromEntries([...pairsOf(yaml, mapping)].map(([key, { value }]) => [key, jsonOf(yaml, value)]));
}

/** A mapping by its keys; all else as its readers get it. What JSON has no value for (`!tag x`, `.inf`) is its text. */
function jsonOf(yaml: YamlText, node: YamlPair["value"]): Json {
  if (node === null) return null;
  if (isMap(node)) return treeOf(yaml, node);
  const [{ value = "null" } = {}] = fieldsOfYaml(yaml, typedFieldOf, node);
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

/** Mappings in lines of their own, as people write them. */
function blockOf(tree: JsonTree, indent: string): string {
  const lines = Object.entries(tree).map(([key, value]) => {
    const isBlock =
      typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    const name = `${indent}${writeYamlKey(key)}:`;
    return isBlock ? `${name}\n${blockOf(value as JsonTree, `${indent}  `)}` : `${name} ${writeYamlFlow(value)}`;
  });
  return lines.join("\n");
}
