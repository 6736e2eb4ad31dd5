/**
 * What the journal says: first how far the repository got, then the revisions that it does not have yet. A document that a revision has
 * in common with the one before stands there by its id alone.
 */
import { hash as hashOf } from "node:crypto";
import { ConfigSyncError } from "../../errors.ts";
import type { Draft, RevisionInfo } from "../history.ts";
import { decodeFrames, encodeFrame } from "./frame.ts";

/** A document by the id that git gives its bytes. */
export interface Entry {
  readonly name: string;
  readonly id: string;
}

/** A revision without the bytes of its documents. */
export interface Recorded {
  readonly info: RevisionInfo;
  readonly entries: readonly Entry[];
}

/** A revision that the repository does not have yet. */
export interface Pending extends Recorded {
  readonly app: string;
  /** The bytes, by id, of the documents that the revision before it does not have. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Bytes of the contents. */
  readonly size: number;
}

export interface Contents {
  /** The newest of our commits; null where there is none. */
  commit: string | null;
  /** The newest revision of each app in that commit. */
  readonly filed: Map<string, Recorded>;
  /** On top of it, oldest first. */
  readonly pending: Pending[];
  /** Bytes of all that is pending. */
  pendingSize: number;
  /** The newest revision of each app. */
  readonly heads: Map<string, Recorded>;
}

const version = 1;

interface BaseLine {
  readonly journal: number;
  readonly commit: string | null;
  readonly filed: readonly (readonly [app: string, head: Recorded])[];
}

interface PendingLine extends Recorded {
  readonly app: string;
  /** The ids and lengths of what follows. */
  readonly contents: readonly (readonly [id: string, length: number])[];
}

export function emptyContents(): Contents {
  return { commit: null, filed: new Map(), pending: [], pendingSize: 0, heads: new Map() };
}

export function addPending(contents: Contents, pending: Pending): void {
  contents.pending.push(pending);
  contents.pendingSize += pending.size;
  contents.heads.set(pending.app, withoutContents(pending));
}

/** The oldest `count` are in the repository now. */
export function filePending(contents: Contents, count: number): void {
  for (const { app, info, entries, size } of contents.pending.splice(0, count)) {
    contents.filed.set(app, { info, entries });
    contents.pendingSize -= size;
  }
}

/** The same where the repository with the documents is lost: numbers go on, and the next revision brings every document whole. */
export function withoutRepository({ filed, heads, pending, pendingSize }: Contents): Contents {
  const bytes = new Set(pending.flatMap(({ contents }) => [...contents.keys()]));
  const forget = ({ info }: Recorded): Recorded => ({ info, entries: [] });
  return {
    commit: null,
    filed: new Map([...filed].map(([app, head]) => [app, forget(head)])),
    heads: new Map([...heads].map(([app, head]) => [app, forget(head)])),
    pending: pending.map((one) => ({ ...one, entries: one.entries.filter(({ id }) => bytes.has(id)) })),
    pendingSize,
  };
}

/** The revision that comes after `before`, with the bytes that are new in it. */
export function makePending(app: string, draft: Draft, number: number, before: Recorded | undefined): Pending {
  const { author, at, message, hash } = draft;
  const known = new Set(before?.entries.map(({ id }) => id));
  const contents = new Map<string, Buffer>();
  const entries = draft.documents.map(({ name, bytes }): Entry => {
    const id = blobId(bytes);
    if (!known.has(id)) contents.set(id, Buffer.from(bytes));
    return { name, id };
  });
  const info = { number, parent: number === 1 ? null : number - 1, author, at, message, hash };
  return { app, info, entries, contents, size: sizeOf(contents.values()) };
}

export function blobId(bytes: Uint8Array): string {
  return hashOf("sha1", Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]));
}

export function encodeContents({ commit, filed, pending }: Contents): Buffer {
  const base: BaseLine = { journal: version, commit, filed: [...filed] };
  return Buffer.concat([encodeFrame(base), ...pending.map(encodePending)]);
}

export function encodePending({ app, info, entries, contents }: Pending): Buffer {
  const lengths = [...contents].map(([id, { length }]) => [id, length] as const);
  const line: PendingLine = { app, info, entries, contents: lengths };
  return encodeFrame(line, [...contents.values()]);
}

/**
 * `end` is where the last whole record ends. Undefined where not even the beginning is whole. Throws HISTORY_UNUSABLE for what a newer
 * version wrote.
 */
export function decodeContents(bytes: Buffer): { readonly contents: Contents; readonly end: number } | undefined {
  const { frames, end } = decodeFrames(bytes);
  const [first, ...others] = frames;
  // The sum is right, so it is what we wrote.
  const base = first?.value as BaseLine | undefined;
  if (base === undefined) return undefined;
  if (base.journal !== version) {
    throw new ConfigSyncError(
      "HISTORY_UNUSABLE",
      `the history is of the version ${base.journal}, which is not known here`,
      {
        hint: "A newer config-sync wrote it: use that one",
        retryable: false,
      },
    );
  }
  const contents: Contents = {
    commit: base.commit,
    filed: new Map(base.filed),
    pending: [],
    pendingSize: 0,
    heads: new Map(base.filed),
  };
  for (const { value, body } of others) addPending(contents, decodePending(value as PendingLine, body));
  return { contents, end };
}

function decodePending({ app, info, entries, contents }: PendingLine, body: Buffer): Pending {
  let from = 0;
  const bytes = contents.map(([id, length]): [string, Buffer] => {
    from += length;
    return [id, body.subarray(from - length, from)];
  });
  return { app, info, entries, contents: new Map(bytes), size: body.length };
}

function sizeOf(all: Iterable<Uint8Array>): number {
  let size = 0;
  for (const { length } of all) size += length;
  return size;
}

function withoutContents({ info, entries }: Pending): Recorded {
  return { info, entries };
}
