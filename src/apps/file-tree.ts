/**
 * An app that stands in one file: YAML, JSON, TOML or INI. A change goes into the file keeping every other byte, and into the history;
 * what somebody edits by hand is taken up, and recorded too.
 */
import { isUtf8 } from "node:buffer";
import { basename, extname } from "node:path";

import type { Key } from "../config/encryption.ts";
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
import { resealTree, type SealedTree, sealTree, type TreeSealing, unsealTree } from "./sealed-tree.ts";
import { createTree, type Tree, type TreeStore } from "./tree.ts";
import type { TreeState } from "./tree-app.ts";
import { refuseMisfit } from "./tree-schema.ts";
import { secretBySchema } from "./tree-secrets.ts";

export interface FileTreeParts {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly history: History;
  readonly clock: Pick<Clock, "now">;
  readonly digest: Digest;
  readonly isSecret: PathTest;
  /** What secrets are sealed with in the file, as in `StoredTreeParts`. */
  readonly keys?: (() => readonly Key[] | undefined) | undefined;
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
  const { name, path, history, clock, digest, journal, tell, keys } = parts;
  const file = { name: `config${extname(path).toLowerCase()}`, document: { path } };
  const format = await loadTreeFile(path);
  const sealing = { app: name, keys };
  const understanding = { format, file: basename(path), sealing };
  let known: Buffer = Buffer.alloc(0);
  let tree: SealedTree | undefined;

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
    const found = readTree(bytes, understanding);
    const { data } = found;
    const last = await newest();
    const schema = last && schemaOf(last);
    await refuseMisfit({ data, schema });
    const isRecorded = last?.documents.some((one) => one.name === file.name && bytes.equals(one.bytes)) === true;
    known = bytes;
    tree = found;
    if (last !== undefined && isRecorded) return { data, schema, revision: infoOf(last) };
    const message = last === undefined ? "as it was found" : describe(last, file.name, data, understanding);
    const made = draft(bytes, schema, { author: "file", message });
    return { data, schema, revision: await history.append(name, made, last?.number ?? 0) };
  };

  /** The file says `written`, and the history has it. */
  const replace = async (before: TreeState | undefined, after: Held, by: Signature): Promise<TreeState> => {
    const bytes = Buffer.from(format.edit(known.toString(), after.written));
    const record = () => history.append(name, draft(bytes, after.schema, by), before?.revision.number ?? 0);
    // Where only the schema is another one, the file stays.
    const contents = new Map(bytes.equals(known) ? [] : [[file, bytes] as const]);
    const held = new Map([[file.name, known]]);
    const revision = await replaceDocuments(contents, { known: held, journal, record });
    known = bytes;
    tree = readTree(bytes, understanding);
    return { data: tree.data, schema: after.schema, revision };
  };
  const secretOf = (schema: TreeState["schema"]): PathTest => {
    return (path) => parts.isSecret(path) || secretBySchema(schema, path);
  };

  return {
    read,
    isStale: () => !isOnDisk(file.document, known),
    write: (before, { data, schema }, by) => {
      const was = tree !== undefined && tree.data === before?.data ? tree : undefined;
      const settled = was && { ...was, isSame: before?.schema === schema };
      return replace(before, { written: sealTree(data, settled, secretOf(schema), sealing), schema }, by);
    },
    seal: async (before, which, by) => {
      const { written, keys } = resealTree(
        tree ?? { ...before, written: before.data },
        which,
        secretOf(before.schema),
        sealing,
      );
      const state = keys.length === 0 ? before : await replace(before, { written, schema: before.schema }, by);
      return { keys, state };
    },
    remove: async () => {
      throw new ConfigSyncError("READ_ONLY", `the app "${name}" stands in ${basename(path)}`);
    },
    revisions: (page) => history.list(name, page),
    at: async (number) => {
      const revision = await history.get(name, number);
      return revision && stateOf(revision, sealing);
    },
  };
}

/** What is to be held: values as they are to stand in the file. */
type Held = Pick<SealedTree, "written"> & Pick<TreeState, "schema">;

interface Understanding {
  readonly format: TreeFile;
  /** Its name. */
  readonly file: string;
  readonly sealing: TreeSealing;
}

function readTree(bytes: Buffer, { format, file, sealing }: Understanding): SealedTree {
  try {
    if (!isUtf8(bytes))
      throw new ConfigSyncError("SOURCE_INVALID", "the file is not UTF-8", { hint: "Save it as UTF-8" });
    const tree = unsealTree(format.read(bytes.toString()), sealing);
    checkValue(tree.data, []);
    return tree;
  } catch (error) {
    throw error instanceof ConfigSyncError ? error.with({ place: { file } }) : error;
  }
}

/** Names of keys, never values. */
function describe(
  { documents }: Revision,
  name: string,
  data: TreeState["data"],
  understanding: Understanding,
): string {
  const before = documents.find((one) => one.name === name);
  if (before === undefined) return "another file";
  try {
    const keys = diffTrees(readTree(Buffer.from(before.bytes), understanding).data, data).map(({ path }) => path);
    const more = keys.length > mostNamed ? ` and ${keys.length - mostNamed} more` : "";
    return keys.length === 0
      ? "edited in the file: no value is different"
      : `edited in the file: ${keys.slice(0, mostNamed).join(", ")}${more}`;
  } catch {
    return "edited in the file";
  }
}

const mostNamed = 5;

async function stateOf(revision: Revision, sealing: TreeSealing): Promise<TreeState | undefined> {
  const file = revision.documents.find(({ name }) => name !== schemaName);
  if (file === undefined) return undefined;
  const format = await loadTreeFile(file.name);
  const { data } = unsealTree(format.read(Buffer.from(file.bytes).toString()), sealing);
  return { data, schema: schemaOf(revision), revision: infoOf(revision) };
}

function schemaOf({ documents }: Revision): TreeState["schema"] {
  const bytes = documents.find(({ name }) => name === schemaName)?.bytes;
  return bytes && (JSON.parse(Buffer.from(bytes).toString()) as TreeState["schema"]);
}

function infoOf({ documents: _, ...info }: Revision): TreeState["revision"] {
  return info;
}
