/**
 * An app that stands in one file: YAML, JSON, TOML or INI. A change goes into the file keeping every other byte, and into the history;
 * what somebody edits by hand is taken up, and recorded too.
 */
import { isUtf8 } from "node:buffer";
import { basename, extname } from "node:path";

import { checkValue, diffTrees } from "../config/json-tree.ts";
import type { Digest } from "../config/layers.ts";
import type { PathTest } from "../config/pattern.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { loadTreeFile, type TreeFile } from "../formats/tree-file.ts";
import type { Document, Draft, History, Revision } from "../history/history.ts";
import type { Clock } from "../platform/clock.ts";
import { type StopWatching, watchFile } from "../platform/file-watch.ts";
import { finishWrites } from "../platform/safe-write.ts";
import { createSettledReader } from "../platform/settled-read.ts";
import type { Signature } from "./change.ts";
import { finishInterrupted, isOnDisk, replaceDocuments } from "./documents.ts";
import { createTree, type Tree, type TreeStore } from "./tree.ts";
import type { TreeState } from "./tree-app.ts";
import { refuseMisfit } from "./tree-schema.ts";

export interface FileTreeParts {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly history: History;
  readonly clock: Pick<Clock, "now">;
  readonly digest: Digest;
  readonly isSecret: PathTest;
  /** Where writes in place keep their journal. */
  readonly journal: string;
  /** For the log: why what is in the file cannot be taken up, and what a crash had left behind. */
  readonly tell: (text: string) => void;
}

export interface FileTree extends Tree {
  readonly stop: StopWatching;
}

/** Milliseconds between two looks at the file, the net under the watch; and without a write until it counts as whole. */
const lookEvery = 2000;
const quiet = 20;
const schemaName = "schema.json";

/** Reads the file, and watches it. Throws VALUE_INVALID (for the schema that it was given), SOURCE_MISSING, SOURCE_INVALID, PARSE_FAILED, HISTORY_UNUSABLE, NOT_FOUND (no such format). */
export async function openFileTree(parts: FileTreeParts): Promise<FileTree> {
  const { name, path, isSecret, tell } = parts;
  const reader = createSettledReader(path, quiet);
  const store = await storeIn(parts, reader.read);
  const tree = createTree({ name, store, isSecret });
  await tree.reload();
  let told = "";
  const takeUp = async (): Promise<void> => {
    const why = await tree.reload().then(
      () => "",
      (error: unknown) => asConfigSyncError(error).toText(),
    );
    if (why !== "" && why !== told) tell(`${why}. The last good values stay`);
    told = why;
  };
  const stop = await watchFile(
    path,
    (hint, folder) => {
      reader.note(hint, folder);
      void takeUp();
    },
    { lookEvery, seen: reader.seen, onTrouble: tell },
  );
  return { ...tree, stop };
}

async function storeIn(parts: FileTreeParts, readFile: () => Promise<Buffer>): Promise<TreeStore> {
  const { name, path, history, clock, digest, journal, tell } = parts;
  const file = { name: `config${extname(path).toLowerCase()}`, document: { path } };
  const format = await loadTreeFile(path);
  let known: Buffer = Buffer.alloc(0);

  for (const text of await finishWrites(journal)) tell(text);
  const head = await history.head(name);
  const documents = async () => head && (await history.get(name, head.number))?.documents;
  const interrupted = { app: name, writable: [file], journal, head, documents, history };
  for (const text of await finishInterrupted(interrupted)) tell(text);

  const draft = (bytes: Buffer, schema: TreeState["schema"], { author, message }: Signature): Draft => {
    const all: Document[] = [{ name: file.name, bytes }];
    if (schema !== undefined)
      all.push({ name: schemaName, bytes: Buffer.from(`${JSON.stringify(schema, null, 2)}\n`) });
    const hash = digest(all.map((one) => Buffer.from(one.bytes).toString()).join("\0"));
    return { author, message, at: clock.now(), hash, documents: all };
  };

  const newest = async (): Promise<Revision | undefined> => {
    const last = await history.head(name);
    return last && history.get(name, last.number);
  };

  /** What is in the file is what counts, whoever wrote it. */
  const read = async (): Promise<TreeState> => {
    const bytes = await readFile();
    const data = understand(format, bytes, basename(path));
    const last = await newest();
    const schema = last && schemaOf(last);
    await refuseMisfit({ data, schema });
    const isRecorded = last?.documents.some((one) => one.name === file.name && bytes.equals(one.bytes)) === true;
    known = bytes;
    if (last !== undefined && isRecorded) return { data, schema, revision: infoOf(last) };
    const message = last === undefined ? "as it was found" : describe(last, file.name, format, data);
    const made = draft(bytes, schema, { author: "file", message });
    return { data, schema, revision: await history.append(name, made, last?.number ?? 0) };
  };

  return {
    read,
    isStale: () => !isOnDisk(file.document, known),
    write: async (before, after, by) => {
      const bytes = Buffer.from(format.edit(known.toString(), after.data));
      const record = () => history.append(name, draft(bytes, after.schema, by), before.revision.number);
      // Where only the schema is another one, the file stays.
      const contents = new Map(bytes.equals(known) ? [] : [[file, bytes] as const]);
      const held = new Map([[file.name, known]]);
      const revision = await replaceDocuments(contents, { known: held, journal, record });
      known = bytes;
      return { data: understand(format, bytes, basename(path)), schema: after.schema, revision };
    },
    remove: async () => {
      throw new ConfigSyncError("READ_ONLY", `the app "${name}" stands in ${basename(path)}`);
    },
    revisions: (page) => history.list(name, page),
    at: async (number) => {
      const revision = await history.get(name, number);
      return revision && stateOf(revision);
    },
  };
}

function understand(format: TreeFile, bytes: Buffer, file: string): TreeState["data"] {
  try {
    if (!isUtf8(bytes))
      throw new ConfigSyncError("SOURCE_INVALID", "the file is not UTF-8", { hint: "Save it as UTF-8" });
    const data = format.read(bytes.toString());
    checkValue(data, []);
    return data;
  } catch (error) {
    throw error instanceof ConfigSyncError ? error.with({ place: { file } }) : error;
  }
}

/** Names of keys, never values. */
function describe({ documents }: Revision, name: string, format: TreeFile, data: TreeState["data"]): string {
  const before = documents.find((one) => one.name === name);
  if (before === undefined) return "another file";
  try {
    const keys = diffTrees(format.read(Buffer.from(before.bytes).toString()), data).map(({ path }) => path);
    const more = keys.length > mostNamed ? ` and ${keys.length - mostNamed} more` : "";
    return keys.length === 0
      ? "edited in the file: no value is different"
      : `edited in the file: ${keys.slice(0, mostNamed).join(", ")}${more}`;
  } catch {
    return "edited in the file";
  }
}

const mostNamed = 5;

async function stateOf(revision: Revision): Promise<TreeState | undefined> {
  const file = revision.documents.find(({ name }) => name !== schemaName);
  if (file === undefined) return undefined;
  const data = (await loadTreeFile(file.name)).read(Buffer.from(file.bytes).toString());
  return { data, schema: schemaOf(revision), revision: infoOf(revision) };
}

function schemaOf({ documents }: Revision): TreeState["schema"] {
  const bytes = documents.find(({ name }) => name === schemaName)?.bytes;
  return bytes && (JSON.parse(Buffer.from(bytes).toString()) as TreeState["schema"]);
}

function infoOf({ documents: _, ...info }: Revision): TreeState["revision"] {
  return info;
}
