/** An app that has no place but the history: the documents of its newest revision are what it says. */
import type { JsonTree } from "../config/json.ts";
import type { Digest } from "../config/layers.ts";
import type { PathTest } from "../config/pattern.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Document, Draft, History, Revision, RevisionInfo } from "../history/history.ts";
import type { Clock } from "../platform/clock.ts";
import type { Signature } from "./change.ts";
import { createTree, type Tree, type TreeContent, type TreeStore } from "./tree.ts";
import type { TreeState } from "./tree-app.ts";

export interface StoredTreeParts {
  /** The one that is open just now. */
  readonly history: () => History;
  readonly clock: Pick<Clock, "now">;
  readonly digest: Digest;
  /** By their names. */
  readonly isSecret: PathTest;
}

const configName = "config.json";
const schemaName = "schema.json";
/** A revision with this document alone is of an app that was removed; its numbers go on where it is made again. */
const removedName = "removed";

/** The app by its newest revision; undefined where it has none, or was removed. Throws HISTORY_UNUSABLE. */
export async function openStoredTree(name: string, parts: StoredTreeParts): Promise<Tree | undefined> {
  const first = await readNewest(name, parts);
  return first && createTree({ name, first, store: storeIn(name, parts), isSecret: parts.isSecret });
}

/** Records the first revision. Throws TOO_LARGE, HISTORY_UNUSABLE, REVISION_MOVED. */
export async function makeStoredTree(
  name: string,
  content: TreeContent,
  by: Signature,
  parts: StoredTreeParts,
): Promise<Tree> {
  const head = await parts.history().head(name);
  const first = await append(name, head, content, by, parts);
  return createTree({ name, first, store: storeIn(name, parts), isSecret: parts.isSecret });
}

function storeIn(name: string, parts: StoredTreeParts): TreeStore {
  const { history, clock } = parts;
  return {
    read: () => readNewest(name, parts),
    write: (before, after, by) => append(name, before.revision, after, by, parts),
    remove: async ({ revision }, { author, message }) => {
      const documents = [{ name: removedName, bytes: new Uint8Array() }];
      const draft = { author, message, at: clock.now(), hash: removedName, documents };
      await history().append(name, draft, revision.number);
    },
    revisions: (page) => history().list(name, page),
    at: async (number) => stateOf(await history().get(name, number)),
  };
}

async function readNewest(name: string, { history }: StoredTreeParts): Promise<TreeState | undefined> {
  const head = await history().head(name);
  return head && stateOf(await history().get(name, head.number));
}

async function append(
  name: string,
  before: RevisionInfo | undefined,
  { data, schema }: TreeContent,
  { author, message }: Signature,
  { history, clock, digest }: StoredTreeParts,
): Promise<TreeState> {
  const documents = writeContent({ data, schema });
  const hash = digest(documents.map(({ text }) => text).join("\0"));
  const draft: Draft = { author, message, at: clock.now(), hash, documents };
  return { data, schema, revision: await history().append(name, draft, before?.number ?? 0) };
}

/** Bytes of a document. */
const largest = 16 * 1024 * 1024;

/** A key a line, for those who look at it with git. Throws TOO_LARGE. */
function writeContent({ data, schema }: TreeContent): readonly (Document & { readonly text: string })[] {
  const documents = [write(configName, data), ...(schema === undefined ? [] : [write(schemaName, schema)])];
  if (documents.every(({ bytes }) => bytes.length <= largest)) return documents;
  throw new ConfigSyncError("TOO_LARGE", `the configuration of an app may take ${largest / 1024 ** 2} MiB as JSON`);
}

function write(name: string, value: JsonTree) {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  return { name, text, bytes: Buffer.from(text) };
}

/** Undefined for a revision that says nothing: the app was removed by it. */
function stateOf(revision: Revision | undefined): TreeState | undefined {
  if (revision === undefined) return undefined;
  const { documents, ...info } = revision;
  const data = parse(documents, configName, info);
  return data && { data, schema: parse(documents, schemaName, info), revision: info };
}

function parse(documents: readonly Document[], wanted: string, { number }: RevisionInfo): JsonTree | undefined {
  const bytes = documents.find(({ name }) => name === wanted)?.bytes;
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as JsonTree;
  } catch (cause) {
    throw new ConfigSyncError("HISTORY_UNUSABLE", `${wanted} of revision ${number} is no JSON`, { cause });
  }
}
