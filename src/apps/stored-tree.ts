/** An app that has no place but the history: the documents of its newest revision are what it says. */
import { holdsSealed, type Key } from "../config/encryption.ts";
import type { Digest } from "../config/layers.ts";
import type { PathTest } from "../config/pattern.ts";
import { asConfigSyncError } from "../errors.ts";
import type { History, Revision, RevisionInfo } from "../history/history.ts";
import type { Clock } from "../platform/clock.ts";
import { reached } from "../platform/reached.ts";
import type { Signature } from "./change.ts";
import { resealTree, type SealedTree, sealTree, type TreeSealing, unsealTree } from "./sealed-tree.ts";
import { createTree, type Tree, type TreeContent, type TreeStore } from "./tree.ts";
import type { TreeState } from "./tree-app.ts";
import { draftOf, infoOf, readJson, schemaIn, textOf, valuesIn, writeJson } from "./tree-documents.ts";
import { secretIn } from "./tree-secrets.ts";

/** What of a history apps are kept in. */
export type TreeHistory = Pick<History, "apps" | "append" | "get" | "head" | "list">;

export interface StoredTreeParts {
  /** The one that is open just now. */
  readonly history: () => TreeHistory;
  readonly clock: Pick<Clock, "now">;
  readonly digest: Digest;
  /** By their names. */
  readonly isSecret: PathTest;
  /** What secrets are sealed with in the documents: the first seals, all open. Undefined where they stand in clear. Throws KEY_UNUSABLE. */
  readonly keys?: (() => readonly Key[] | undefined) | undefined;
}

const configName = "config.json";
/** A revision with this document alone is of an app that was removed; its numbers go on where it is made again. */
const removedName = "removed";

/**
 * The app by its newest revision; undefined where it has none, or was removed. Where a value cannot be opened the app is there, says why
 * to everybody who asks, and is read again. Throws HISTORY_UNUSABLE.
 */
export async function openStoredTree(name: string, parts: StoredTreeParts): Promise<Tree | undefined> {
  const store = storeIn(name, parts);
  const { isSecret } = parts;
  try {
    const first = await store.read();
    return first && createTree({ name, first, store, isSecret });
  } catch (error) {
    const trouble = asConfigSyncError(error, "HISTORY_UNUSABLE");
    if (trouble.code === "HISTORY_UNUSABLE") throw trouble;
    return createTree({ name, store, isSecret, trouble });
  }
}

/** Records the first revision. Throws TOO_LARGE, HISTORY_UNUSABLE, REVISION_MOVED, VALUE_INVALID, KEY_UNUSABLE, UNREPRESENTABLE. */
export async function makeStoredTree(
  name: string,
  content: TreeContent,
  by: Signature,
  parts: StoredTreeParts,
): Promise<Tree> {
  const store = storeIn(name, parts);
  const head = await parts.history().head(name);
  const first = await store.write(head && { ...content, revision: head }, content, by);
  return createTree({ name, first, store, isSecret: parts.isSecret });
}

function storeIn(name: string, parts: StoredTreeParts): TreeStore {
  const { history, clock, digest, isSecret, keys } = parts;
  const sealing = { app: name, keys };
  /** The newest as its document has it: what nobody changes stays as it stands there. */
  let known: (SealedTree & Pick<TreeContent, "schema">) | undefined;

  const append = async (
    before: RevisionInfo | undefined,
    after: SealedTree & Pick<TreeContent, "schema">,
    by: Signature,
  ): Promise<TreeState> => {
    const content = { name: configName, text: writeJson(after.written), schema: after.schema };
    const draft = draftOf(content, by, { at: clock.now(), digest });
    const revision = await history().append(name, draft, before?.number ?? 0);
    reached("recorded");
    known = after;
    return { data: after.data, schema: after.schema, revision };
  };

  return {
    read: async () => {
      const head = await history().head(name);
      const read = head && readRevision(await history().get(name, head.number), sealing);
      if (read !== undefined) known = { ...read.tree, schema: read.state.schema };
      return read?.state;
    },
    write: async (before, { data, schema }, by) => {
      const was = known !== undefined && known.data === before?.data ? known : undefined;
      const settled = was && { ...was, isSame: was.schema === schema };
      const written = sealTree(data, settled, secretIn(schema, isSecret), sealing);
      return append(before?.revision, { written, data, schema }, by);
    },
    seal: async (before, which, by) => {
      if (known?.data !== before.data) throw new Error("the state is not the one that was read");
      const { written, keys } = resealTree(known, which, secretIn(known.schema, isSecret), sealing);
      return { keys, state: keys.length === 0 ? before : await append(before.revision, { ...known, written }, by) };
    },
    remove: async ({ author, message }) => {
      const documents = [{ name: removedName, bytes: new Uint8Array() }];
      const draft = { author, message, at: clock.now(), hash: removedName, documents };
      const head = await history().head(name);
      await history().append(name, draft, head?.number ?? 0);
    },
    revisions: (page) => history().list(name, page),
    at: async (number) => readRevision(await history().get(name, number), sealing)?.state,
  };
}

/** Undefined for a revision that says nothing: the app was removed by it. Throws as `unsealTree` does. */
function readRevision(revision: Revision | undefined, sealing: TreeSealing) {
  if (revision === undefined) return undefined;
  const document = valuesIn(revision);
  if (document?.name !== configName) return undefined;
  const text = textOf(document);
  const written = readJson(text, document, revision);
  const tree = holdsSealed(text) ? unsealTree(written, sealing) : { written, data: written };
  return { tree, state: { data: tree.data, schema: schemaIn(revision), revision: infoOf(revision) } };
}
