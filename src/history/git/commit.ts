/**
 * A revision as a commit, for people: author, date and message are the commit's own, the rest stands in trailers below the message.
 * What git cannot hold (a NUL, a `<` in a name) is shown without it, and stands whole in a trailer as JSON.
 */
import type { RevisionInfo } from "../history.ts";
import type { Recorded } from "./contents.ts";

export interface Trailers {
  readonly app: string;
  readonly number: number;
}

export interface CommitText {
  /** As git wants an author: name, address in angle brackets, seconds, time zone. */
  readonly author: string;
  readonly message: string;
}

export interface ParsedCommit extends Trailers {
  readonly info: RevisionInfo;
  /** The documents' names where they are in another order than the folder has them in. */
  readonly order: readonly string[] | undefined;
}

/** Of every commit of ours, and of no person: git lets nobody be without an address. */
export const committer = "config-sync <>";

const start = "\n\nRevision: ";

export function formatCommit(app: string, { info, entries }: Recorded): CommitText {
  const { number, author, at, message, hash } = info;
  const name = plainName(author);
  const text = plainMessage(message);
  const names = entries.map((entry) => entry.name);
  const lines = [
    `${app}/${number}`,
    `Time: ${new Date(at).toISOString()}`,
    `Hash: ${hash}`,
    ...(name === author ? [] : [`Author: ${JSON.stringify(author)}`]),
    ...(text === message ? [] : [`Message: ${JSON.stringify(message)}`]),
    ...(isInOrder(names) ? [] : [`Documents: ${JSON.stringify(names)}`]),
  ];
  return { author: `${name} <> ${Math.floor(at / 1000)} +0000`, message: `${text}${start}${lines.join("\n")}\n` };
}

/** Which revision a commit's message says it is. Undefined for a commit that is none of ours. */
export function parseTrailers(message: string): Trailers | undefined {
  const [, app, number] = /^(.+)\/(\d{1,15})$/.exec(splitTrailers(message)?.lines[0] ?? "") ?? [];
  return app === undefined ? undefined : { app, number: Number(number) };
}

/** A commit as `git cat-file` gives it. Undefined for one that is none of ours. */
export function parseCommit(bytes: Buffer): ParsedCommit | undefined {
  const text = bytes.toString("utf8");
  const end = text.indexOf("\n\n");
  const [header, body] = [text.slice(0, end + 1), text.slice(end + 2)];
  const trailers = parseTrailers(body);
  const { message = "", lines = [] } = splitTrailers(body) ?? {};
  const given = (key: string): string | undefined =>
    lines.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
  const at = Date.parse(given("Time") ?? "");
  if (trailers === undefined || Number.isNaN(at)) return undefined;
  const [, shown = ""] = /^author (.*) <> \d+ \+0000$/m.exec(header) ?? [];
  const { app, number } = trailers;
  const info = {
    number,
    parent: number === 1 ? null : number - 1,
    author: parseString(given("Author")) ?? shown,
    at,
    message: parseString(given("Message")) ?? message,
    hash: given("Hash") ?? "",
  };
  return { app, number, info, order: parseNames(given("Documents")) };
}

function splitTrailers(message: string): { readonly message: string; readonly lines: readonly string[] } | undefined {
  const at = message.lastIndexOf(start);
  if (at === -1) return undefined;
  return { message: message.slice(0, at), lines: message.slice(at + start.length).split("\n") };
}

/** Git parts a commit's header by lines and the author by angle brackets, and cuts blanks and some marks off its ends. */
function plainName(author: string): string {
  const plain = author.toWellFormed().replace(/[\x00-\x1f\x7f<>]+/g, " ");
  return plain.replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, "") || "unknown";
}

/** Git has no message with a NUL, and shows none that is blank. */
function plainMessage(message: string): string {
  const plain = message.toWellFormed().replaceAll("\0", "\ufffd");
  return plain.trim() === "" ? "(no message)" : plain;
}

/** The order of a folder's files in git: by their bytes. */
function isInOrder(names: readonly string[]): boolean {
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return sorted.every((name, index) => name === names[index]);
}

function parseString(json: string | undefined): string | undefined {
  const value = parseJson(json);
  return typeof value === "string" ? value : undefined;
}

function parseNames(json: string | undefined): string[] | undefined {
  const value = parseJson(json);
  return Array.isArray(value) ? value.map(String) : undefined;
}

function parseJson(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
