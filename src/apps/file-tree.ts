/**
 * An app that stands in one file: YAML, JSON, TOML or INI. A change goes into the file keeping every other byte, and into the history;
 * what somebody edits by hand is taken up, and recorded too.
 */
import { isUtf8 } from "node:buffer";
import { basename, extname } from "node:path";

import type { Key } from "../config/encryption.ts";
import { checkValue, diffTrees, sameValue } from "../config/json-tree.ts";
import type { Digest } from "../config/layers.ts";
import type { PathTest } from "../config/pattern.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { loadTreeFile, type TreeFile } from "../formats/tree-file.ts";
import type { Draft, History, Revision, RevisionInfo } from "../history/history.ts";
import type { Clock } from "../platform/clock.ts";
import { type StopWatching, watchFile } from "../platform/file-watch.ts";
import { finishWrites } from "../platform/safe-write.ts";
import { createSettledReader } from "../platform/settled-read.ts";
import type { Signature } from "./change.ts";
import { describeOutside, type OutsideChange } from "./describe-change.ts";
import { finishInterrupted, isOnDisk, replaceDocuments } from "./documents.ts";
import { resealTree, type SealedTree, sealTree, type TreeSealing, unsealTree } from "./sealed-tree.ts";
import { createTree, type Tree, type TreeStore } from "./tree.ts";
import type { TreeState } from "./tree-app.ts";
import { draftOf, infoOf, schemaIn, textOf, valuesIn } from "./tree-documents.ts";
import { refuseMisfit } from "./tree-schema.ts";
import { secretIn } from "./tree-secrets.ts";

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
/** No file is in this state: what time can mend is tried again by every look. */
const notTakenUp = "not taken up";

/** Reads the file, and watches it. Throws VALUE_INVALID (for the schema that it was given), SOURCE_MISSING, SOURCE_INVALID, PARSE_FAILED, HISTORY_UNUSABLE, NOT_FOUND (no such format). */
export async function openFileTree(parts: FileTreeParts): Promise<FileTree> {
  const { name, path, isSecret, tell } = parts;
  const reader = createSettledReader(path, quiet);
  const store = await storeIn(parts, reader.read);
  const tree = createTree({ name, store, isSecret });
  await tree.reload();
  let trouble: ConfigSyncError | undefined;
  const takeUp = async (): Promise<void> => {
    const found = await tree.reload().then(() => undefined, asConfigSyncError);
    const why = found?.toText();
    if (why !== undefined && why !== trouble?.toText()) tell(`${why}. The last good values stay`);
    trouble = found;
  };
  const seen = (): string | undefined => {
    const state = reader.seen();
    return state !== undefined && trouble?.retryable === true ? notTakenUp : state;
  };
  const stop = await watchFile(
    path,
    (hint, folder) => {
      reader.note(hint, folder);
      void takeUp();
    },
    { lookEvery, seen, onTrouble: tell },
  );
  return { ...tree, stop };
}

async function storeIn(parts: FileTreeParts, readFile: () => Promise<Buffer>): Promise<TreeStore> {
  const { name, path, history, clock, digest, isSecret, journal, tell, keys } = parts;
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

  const draft = (bytes: Buffer, schema: TreeState["schema"], by: Signature): Draft =>
    draftOf({ name: file.name, text: bytes.toString(), schema }, by, { at: clock.now(), digest });

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
    const schema = last && schemaIn(last);
    await refuseMisfit({ data, schema });
    const isRecorded = last?.documents.some((one) => one.name === file.name && bytes.equals(one.bytes)) === true;
    const record = (): Promise<RevisionInfo> => {
      const message = describeOutside(last, last && changesSince(last, file.name, data, understanding));
      return history.append(name, draft(bytes, schema, { author: "file", message }), last?.number ?? 0);
    };
    const revision = last !== undefined && isRecorded ? infoOf(last) : await record();
    // Not before it is recorded: until then it is read again.
    known = bytes;
    tree = found;
    return { data, schema, revision };
  };

  /** The file says `written`, and the history has it. */
  const replace = async (before: TreeState | undefined, after: Held, by: Signature): Promise<TreeState> => {
    const bytes = Buffer.from(format.edit(known.toString(), after.written));
    const isSame = bytes.equals(known);
    if (before !== undefined && isSame && sameValue(before.schema, after.schema)) return before;
    const next = readTree(bytes, understanding);
    const made = draft(bytes, after.schema, by);
    // Where only the schema is another one, the file stays.
    const contents = new Map(isSame ? [] : [[file, bytes] as const]);
    const revision = await replaceDocuments(contents, {
      known: new Map([[file.name, known]]),
      journal,
      record: (onWritten) => history.append(name, made, before?.revision.number ?? 0, onWritten),
    });
    known = bytes;
    tree = next;
    return { data: next.data, schema: after.schema, revision };
  };

  return {
    read,
    isStale: () => !isOnDisk(file.document, known),
    write: async (before, { data, schema }, by) => {
      const was = tree !== undefined && tree.data === before?.data ? tree : undefined;
      const settled = was && { ...was, isSame: before?.schema === schema };
      return replace(before, { written: sealTree(data, settled, secretIn(schema, isSecret), sealing), schema }, by);
    },
    seal: async (before, which, by) => {
      if (tree?.data !== before.data) throw new Error("the state is not the one that was read");
      const { written, keys } = resealTree(tree, which, secretIn(before.schema, isSecret), sealing);
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

/** Undefined where nobody can tell. */
function changesSince(
  { documents }: Revision,
  name: string,
  data: TreeState["data"],
  understanding: Understanding,
): readonly OutsideChange[] | undefined {
  const before = documents.find((one) => one.name === name);
  if (before === undefined) return undefined;
  try {
    const changes = diffTrees(readTree(Buffer.from(before.bytes), understanding).data, data);
    return changes.map(({ path, kind }) => ({ key: path, kind }));
  } catch {
    return undefined;
  }
}

async function stateOf(revision: Revision, sealing: TreeSealing): Promise<TreeState | undefined> {
  const file = valuesIn(revision);
  if (file === undefined) return undefined;
  const format = await loadTreeFile(file.name);
  const { data } = unsealTree(format.read(textOf(file)), sealing);
  return { data, schema: schemaIn(revision), revision: infoOf(revision) };
}
