/** How an app with a tree stands in a revision: what it says in one document, and beside it the schema that it has. Pure. */
import type { JsonTree } from "../config/json.ts";
import type { Digest } from "../config/layers.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Document, Draft, Revision, RevisionInfo } from "../history/history.ts";
import type { Signature } from "./change.ts";

const schemaName = "schema.json";

/** Bytes of a document: files that are larger are not read. */
const largest = 16 * 1024 * 1024;

export interface TreeText {
  /** The name of the document with the values. */
  readonly name: string;
  readonly text: string;
  readonly schema: JsonTree | undefined;
}

/** Throws TOO_LARGE. */
export function draftOf(
  { name, text, schema }: TreeText,
  { author, message }: Signature,
  { at, digest }: { readonly at: number; readonly digest: Digest },
): Draft {
  const texts = [{ name, text }, ...(schema === undefined ? [] : [{ name: schemaName, text: writeJson(schema) }])];
  const documents = texts.map((one): Document => ({ name: one.name, bytes: Buffer.from(one.text) }));
  if (documents.some(({ bytes }) => bytes.length > largest))
    throw new ConfigSyncError("TOO_LARGE", `the configuration of an app may take ${largest / 1024 ** 2} MiB`);
  return { author, message, at, hash: digest(texts.map((one) => one.text).join("\0")), documents };
}

/** A key a line, for those who look at it with git. */
export function writeJson(tree: JsonTree): string {
  return `${JSON.stringify(tree, null, 2)}\n`;
}

/** The document with the values; undefined in a revision that has none. */
export function valuesIn({ documents }: Revision): Document | undefined {
  return documents.find(({ name }) => name !== schemaName);
}

/** Throws HISTORY_UNUSABLE. */
export function schemaIn(revision: Revision): JsonTree | undefined {
  const document = revision.documents.find(({ name }) => name === schemaName);
  return document && readJson(textOf(document), document, revision);
}

export function textOf({ bytes }: Document): string {
  return Buffer.from(bytes).toString();
}

/** Throws HISTORY_UNUSABLE with the revision. */
export function readJson(text: string, { name }: Document, { number }: RevisionInfo): JsonTree {
  try {
    return JSON.parse(text) as JsonTree;
  } catch (cause) {
    throw new ConfigSyncError("HISTORY_UNUSABLE", `${name} of revision ${number} is no JSON`, { cause });
  }
}

export function infoOf({ documents: _, ...info }: Revision): RevisionInfo {
  return info;
}
