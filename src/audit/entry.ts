/**
 * What is kept of every act, and how it stands in the chain: a JSON object a line, which holds the hash of the line before it and
 * ends with the hash of itself. Pure. Hashes are of bytes, not of text: bytes that are no UTF-8 look alike once they are decoded.
 */
import { hash } from "node:crypto";

export const acts = [
  "change",
  "rollback",
  "seal",
  "apply",
  "reload",
  "retry",
  "look",
  "reveal",
  "login",
  "app.create",
  "app.remove",
  "encryption.key",
  "key.create",
  "key.remove",
  "user.create",
  "user.password",
  "user.grant",
  "user.remove",
  "mended",
] as const;
export type Act = (typeof acts)[number];

/** An act as it is told by whoever saw it done. Never a value of the configuration. */
export interface Told {
  readonly who: { readonly name: string; readonly kind: string };
  /** An address, or `control socket`, `command line`, `file`. */
  readonly from: string;
  readonly what: Act;
  /** The service, key or user that it was done to. */
  readonly target?: string | undefined;
  readonly why?: string | undefined;
  /** The id of the request, as the answer named it. */
  readonly request?: string | undefined;
  readonly app?: string | undefined;
  readonly revision?: number | undefined;
  /** Written paths of keys, or of whole sections. */
  readonly keys?: readonly string[] | undefined;
  /** `failed`: of what was begun some may have been done. */
  readonly outcome: "done" | "refused" | "failed";
  /** Why it was refused or failed: a code of errors.ts. */
  readonly code?: string | undefined;
}

export interface Entry extends Told {
  /** Counts from 1, without a gap. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How many keys there were beyond those that are named. */
  readonly moreKeys?: number;
}

/** A place in the chain. */
export interface Link {
  readonly seq: number;
  readonly hash: string;
}

export interface Read {
  readonly entry: Entry;
  readonly link: Link;
  /** The hash of the line before. */
  readonly prev: string;
}

/** What the first line follows. */
export const beginning: Link = { seq: 0, hash: "0".repeat(64) };

const longestText = 1000;
const mostKeys = 200;

/** The line that follows `before`, with its newline, and its place in the chain. What is too long is cut. */
export function formatEntry(told: Told, at: number, before: Link): { readonly line: string; readonly link: Link } {
  const { who, keys, ...rest } = told;
  const seq = before.seq + 1;
  const named = keys && {
    keys: keys.slice(0, mostKeys),
    ...(keys.length > mostKeys && { moreKeys: keys.length - mostKeys }),
  };
  const entry = { seq, at, who: { name: who.name, kind: who.kind }, ...rest, ...named, prev: before.hash };
  const body = JSON.stringify(entry, (_, value) => (typeof value === "string" ? shorten(value) : value));
  const open = body.slice(0, -1);
  const own = sumOf(Buffer.from(open));
  return { line: `${open},"hash":"${own}"}\n`, link: { seq, hash: own } };
}

/** Undefined for a line that is not, byte for byte, as it was written. Without its newline. */
export function readEntry(line: Buffer): Read | undefined {
  const body = line.subarray(0, -tail);
  const own = sumOf(body);
  if (line.length <= tail || !line.subarray(-tail).equals(Buffer.from(`,"hash":"${own}"}`))) return undefined;
  const { prev, ...entry } = parse(`${body}}`) ?? {};
  if (typeof prev !== "string" || !isEntry(entry)) return undefined;
  return { entry, prev, link: { seq: entry.seq, hash: own } };
}

/** Somebody who makes a line of his own may have given it the right hash. */
function isEntry(entry: Partial<Entry>): entry is Entry {
  const { seq, at, who, from, what, outcome, keys = [] } = entry;
  const texts: unknown[] = [who?.name, from, what, outcome];
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(at) || !Array.isArray(keys)) return false;
  return [...texts, ...keys].every((text) => typeof text === "string");
}

function parse(text: string): Partial<Entry & { readonly prev: string }> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tail = `,"hash":"${beginning.hash}"}`.length;

function sumOf(bytes: Buffer): string {
  return hash("sha256", bytes);
}

function shorten(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

/** `812:9f3c…`: a place in the chain, to be kept elsewhere. */
export function formatLink({ seq, hash }: Link): string {
  return `${seq}:${hash}`;
}

/** Undefined for what is none. */
export function parseLink(text: string): Link | undefined {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
