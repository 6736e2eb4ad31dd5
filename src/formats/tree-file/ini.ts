import { isTree, type Json, type JsonTree } from "../../config/json.ts";
import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import { editConfigIni, readConfigIni } from "../ini/config-ini.ts";
import type { TreeSyntax } from "../tree-file.ts";

/** In the dialect of config.ini: sections of keys, every value a text, keys in lower case. */
export const iniTree: TreeSyntax = {
  read: (text) => {
    const sections = new Map<string, Map<string, string>>();
    for (const { path, value } of readConfigIni(text)) {
      const [section = "", key = ""] = path;
      sections.set(section, (sections.get(section) ?? new Map<string, string>()).set(key, value));
    }
    return Object.fromEntries([...sections].map(([section, keys]) => [section, Object.fromEntries(keys)]));
  },
  /** Numbers, true and false are written as they are, and come back as texts. */
  adapt: (tree) => mapValues(tree, (keys) => (isTree(keys) ? mapValues(keys, textOf) : keys)),
  splice: (text, { wanted, gone }) => {
    const set = Object.entries(wanted).flatMap(([section, keys]) => settings(section, keys));
    return editConfigIni(text, [...gone.map((path) => ({ path, value: undefined })), ...set]);
  },
};

function mapValues(tree: JsonTree, make: (value: Json) => Json): JsonTree {
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, make(value)]));
}

function textOf(value: Json): Json {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

function settings(section: string, keys: Json): { readonly path: Path; readonly value: string }[] {
  if (!isTree(keys)) throw unrepresentable([section]);
  return Object.entries(keys).map(([key, value]) => {
    if (typeof value !== "string") throw unrepresentable([section, key]);
    return { path: [section, key], value };
  });
}

function unrepresentable(path: Path): ConfigSyncError {
  const key = formatPath(path);
  return new ConfigSyncError("UNREPRESENTABLE", `an INI file cannot say ${key}: it has sections of keys with texts`, {
    key,
    hint: "Give the value as a text",
  });
}
