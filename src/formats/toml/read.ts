import { parse, TomlDate, TomlError } from "smol-toml";
import { formatPath, type Path } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Field } from "../format.ts";
import { contentStart, placesOf } from "../text-edits.ts";
import { maxDepth, type ToField } from "../tree.ts";
import { type Pair, scanToml, type Table } from "./scan.ts";

/** What stands at a path: a pair, or all the `[[tables]]` of one array. */
export type Site =
  | { readonly kind: "pair"; readonly pair: Pair }
  | { readonly kind: "array"; readonly sections: Table[] };

export interface TomlLeaf {
  readonly path: Path;
  readonly json: string;
  readonly site: Site;
}

export interface TomlDocument {
  readonly tables: readonly Table[];
  /** By written path, in order of appearance. */
  readonly leaves: ReadonlyMap<string, TomlLeaf>;
}

/** Reads with smol-toml, and finds the place of each value. Lists and arrays of tables are leaves, inline tables are not. */
export function parseToml(text: string): TomlDocument {
  const root = parseValues(text);
  const tables = scanToml(text);
  const leaves = new Map<string, TomlLeaf>();
  const arrays = new Set(tables.filter((table) => table.kind === "array").map((table) => formatPath(table.path)));
  for (const table of tables) {
    const array = prefixes(table.path).find((path) => arrays.has(formatPath(path)));
    if (array !== undefined) {
      addSection(leaves, root, array, table);
      continue;
    }
    for (const pair of table.pairs) {
      if (pair.inline) continue;
      const json = tomlToJson(valueAt(root, pair.path));
      leaves.set(formatPath(pair.path), { path: pair.path, json, site: { kind: "pair", pair } });
    }
  }
  return { tables, leaves };
}

export function fieldsOfToml(text: string, toField: ToField): Field[] {
  const place = placesOf(text);
  return [...parseToml(text).leaves.values()].map(({ path, json, site }) => {
    const { start, end } =
      site.kind === "pair" ? { start: site.pair.valueStart, end: site.pair.end } : rangeOf(site.sections);
    return toField(path, { kind: "leaf", start, end, ...place(start), json });
  });
}

function rangeOf(sections: readonly Table[]): { start: number; end: number } {
  return { start: sections[0]?.start ?? 0, end: sections.at(-1)?.end ?? 0 };
}

function addSection(leaves: Map<string, TomlLeaf>, root: unknown, path: Path, table: Table): void {
  if (table.kind === "inline") return;
  const known = leaves.get(formatPath(path));
  if (known?.site.kind === "array") known.site.sections.push(table);
  else {
    const json = tomlToJson(valueAt(root, path));
    leaves.set(formatPath(path), { path, json, site: { kind: "array", sections: [table] } });
  }
}

function prefixes(path: Path): Path[] {
  return path.map((_, index) => path.slice(0, index + 1));
}

function parseValues(text: string): unknown {
  const start = contentStart(text);
  try {
    return parse(text.slice(start), { integersAsBigInt: true, maxDepth });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The message goes on with an excerpt of the text, which may hold secrets.
    const message = error.message.split("\n")[0]?.replace("Invalid TOML document: ", "");
    throw new ConfigSyncError("PARSE_FAILED", `is not valid TOML: ${message}`, {
      place: { line: error.line, column: error.column },
    });
  }
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce((table, key) => (table as Record<string, unknown> | undefined)?.[key], root);
}

/** Floats keep their point, and dates stand without quotes, so that nothing is taken for its neighbour. */
function tomlToJson(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? value.toFixed(1) : String(value);
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return `[${value.map(tomlToJson).join(",")}]`;
  if (typeof value !== "object" || value === null)
    return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${tomlToJson(inner)}`);
  return `{${members.join(",")}}`;
}
