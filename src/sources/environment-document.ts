/** The text of environment.yaml: read into sections and names, and edited in place with every other byte kept. */
import {
  environmentSection,
  mappingName,
  readEnvironmentSection,
  variableName,
} from "../config/environment-section.ts";
import { formatPath, type Path } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import { placesOf } from "../formats/text-edits.ts";
import type { Leaf } from "../formats/tree.ts";
import { mergeYaml } from "../formats/yaml/merge.ts";
import { fieldsOfYaml, parseYamlText } from "../formats/yaml/read.ts";
import { writeYamlKey, writeYamlString } from "../formats/yaml/write.ts";
import { type DocumentDialect, type EditedDocument, findSealable, sealEdits } from "./sealed.ts";
import type { Edit, Sealable, SealedDocument } from "./source.ts";

/** A variable or a mapping, by the path that it has among all values: `["environment:shop", "TZ"]`. */
export interface EnvironmentField {
  readonly path: Path;
  readonly value: string;
  readonly start: number;
  readonly line: number;
  readonly column: number;
}

/** Throws PARSE_FAILED with line and column for what is no YAML, and for what has no meaning there. */
export function readEnvironment(text: string): readonly EnvironmentField[] {
  const yaml = parseYamlText(text);
  if (yaml.root === null) throw invalid("the file is empty", { line: 1, column: 1 }, 'Write at least "variables: {}"');
  const place = placesOf(text);
  const fields: EnvironmentField[] = [];
  fieldsOfYaml(yaml, (written, leaf) => {
    const at = place(leaf.start);
    // A mapping of which every line is a comment.
    if (leaf.json !== "null" || written.length === 0 || !isOpen(written))
      fields.push({ path: toPath(written, at), value: readValue(leaf, text, at), start: leaf.start, ...at });
    return { path: written, value: "", start: leaf.start, end: leaf.end, line: leaf.line };
  });
  refuseBoth(fields);
  return fields;
}

/** Places that hold mappings: `variables`, `services`, `services.shop`, `services.shop.mappings`. */
function isOpen([first, second, third, ...more]: Path): boolean {
  if (first !== "services") return second === undefined && isPart(first);
  return more.length === 0 && (third === undefined || isPart(third));
}

function isPart(name: string | undefined): name is "variables" | "mappings" {
  return name === "variables" || name === "mappings";
}

const serviceHint = "Service names have lower-case letters, digits and dashes";

type At = { readonly line: number; readonly column: number };

function toPath(written: Path, at: At): Path {
  const [service, inner] = written[0] === "services" ? [written[1], written.slice(2)] : [undefined, written];
  const [part, name, ...rest] = inner;
  if (!isPart(part) || name === undefined || rest.length > 0) {
    const hint = "There are variables and mappings, of NAME: value, and services, each with variables and mappings";
    throw invalid(`${formatPath(written) || "a list or a single value"} has no meaning here`, at, hint);
  }
  const kind = part === "variables" ? "variable" : "mapping";
  const section = environmentSection(kind, service);
  if (readEnvironmentSection(section) === undefined)
    throw invalid(`${service} is not the name of a service`, at, serviceHint);
  if (!(kind === "mapping" ? mappingName : variableName).test(name)) {
    const hint = "A name has letters, digits and _; in mappings it may end in *";
    throw invalid(`${JSON.stringify(name)} is not the name of a variable`, at, hint);
  }
  return [section, name];
}

/** A number or boolean is the text that stands there: a variable knows no other kind. */
function readValue({ json, start, end }: Leaf, text: string, at: At): string {
  if (json.startsWith('"')) return JSON.parse(json) as string;
  const written = text.slice(start, end);
  if (json !== "null" && /^[\w.+:-]+$/.test(written)) return written;
  throw invalid("a variable has one text as its value", at, 'Write it in quotes; an empty one is ""');
}

/** Nobody could say which of the two counts. */
function refuseBoth(fields: readonly EnvironmentField[]): void {
  const sections = new Map(fields.map((field) => [formatPath(field.path), field]));
  for (const { path, line, column } of fields) {
    const [section = "", name = ""] = path;
    const { kind, service } = readEnvironmentSection(section) ?? {};
    if (kind !== "mapping" || !sections.has(formatPath([environmentSection("variable", service), name]))) continue;
    const key = formatPath(path);
    throw invalid(`${name} is a variable and is mapped, too`, { line, column }, "Remove one of the two", key);
  }
}

function invalid(message: string, place: At, hint: string, key?: string): ConfigSyncError {
  return new ConfigSyncError("PARSE_FAILED", message, { place, hint, key });
}

type Context = Omit<EditedDocument, "text" | "dialect">;

/** Throws UNREPRESENTABLE, PARSE_FAILED, KEY_UNUSABLE. */
export function editEnvironment(bytes: Buffer, edits: readonly Edit[], context: Context): Buffer {
  const text = bytes.toString();
  const present = new Map(readEnvironment(text).map(({ path, value }) => [formatPath(path), { path, value }]));
  const isSection = ({ path, value }: Edit): boolean => path.length === 1 && value === undefined;
  const cleared = new Set(edits.filter(isSection).map(({ path }) => path[0]));
  const set = sealEdits(
    edits.filter((edit) => !isSection(edit)),
    { ...context, dialect, text },
  );
  const kept = new Set(set.flatMap(({ path, value }) => (value === undefined ? [] : formatPath(path))));
  const gone = [
    ...set.filter(({ value }) => value === undefined).map(({ path }) => path),
    ...[...present.values()].map(({ path }) => path).filter(([section]) => cleared.has(section)),
  ].filter((path) => !kept.has(formatPath(path)));
  const differing = set.filter(({ path, value }) => value !== present.get(formatPath(path))?.value);
  return Buffer.from(merge(text, differing, gone));
}

/** Seals what is meant, and keeps every other byte. Throws KEY_UNUSABLE. */
export function sealEnvironment(bytes: Buffer, which: Sealable, context: Context): SealedDocument {
  const text = bytes.toString();
  const edits = findSealable({ ...context, dialect, text }, which);
  return { bytes: Buffer.from(merge(text, edits, [])), keys: edits.map(({ path }) => formatPath(path)) };
}

const dialect: DocumentDialect = { read: readEnvironment, spell: (path) => path, isShared: () => () => false };

function merge(text: string, edits: readonly Edit[], gone: readonly Path[]): string {
  const set = edits.filter(({ value }) => value !== undefined);
  if (set.length === 0 && gone.length === 0) return text;
  return mergeYaml(text, writeDocument(set), gone.map(toWritten), isOpen).text;
}

/** A document of these variables alone, each mapping on lines of its own. */
function writeDocument(edits: readonly Edit[]): string {
  const root = new Map<string, Tree>();
  for (const { path, value = "" } of edits) {
    const written = toWritten(path);
    let node = root;
    for (const name of written.slice(0, -1)) {
      const next = node.get(name);
      const inner = next instanceof Map ? next : new Map<string, Tree>();
      node.set(name, inner);
      node = inner;
    }
    node.set(written.at(-1) ?? "", value);
  }
  return writeTree(root, "");
}

type Tree = string | Map<string, Tree>;

function writeTree(tree: ReadonlyMap<string, Tree>, indent: string): string {
  const lines = [...tree].map(([name, inner]) =>
    typeof inner === "string"
      ? `${indent}${writeYamlKey(name)}: ${writeYamlString(inner)}\n`
      : `${indent}${writeYamlKey(name)}:\n${writeTree(inner, `${indent}  `)}`,
  );
  return lines.join("");
}

function toWritten([section = "", name = ""]: Path): Path {
  const { kind, service } = readEnvironmentSection(section) ?? {};
  const part = kind === "mapping" ? "mappings" : "variables";
  return service === undefined ? [part, name] : ["services", service, part, name];
}
