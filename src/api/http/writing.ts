/** What every write shares: on which revision, by whom and why, what came of it, and whether the services took it. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { requireRight } from "../../access/principal.ts";
import type { Changed, Edit, Signature } from "../../apps/change.ts";
import type { Told } from "../../audit/entry.ts";
import { parseDuration } from "../../config/coerce.ts";
import { holdsMask } from "../../config/masked-tree.ts";
import { formatPath } from "../../config/path.ts";
import { reveal } from "../../config/secret.ts";
import { asConfigSyncError, ConfigSyncError } from "../../errors.ts";
import { showChange } from "../../sync/events.ts";
import type { Api } from "./api.ts";
import { earlyAnswer } from "./early-answer.ts";
import { requireMapped } from "./mapped-rights.ts";
import { etagOf, expectedRevision } from "./preconditions.ts";
import { type Reader, readerOf } from "./reading.ts";
import { withoutGiven } from "./reason.ts";
import { recordNow } from "./record.ts";
import type { waiting, writing, written } from "./schemas.ts";
import { seenRefusal, seenRevision } from "./sight.ts";
import { type Health, whenHealthy } from "./wait-healthy.ts";

type WriteRequest = Pick<FastifyRequest, "headers" | "principal"> & { readonly query: z.output<typeof writing> };

/** Makes a change of these edits, and answers with it. */
export async function writeEdits(api: Api, request: WriteRequest, reply: FastifyReply, edits: readonly Edit[]) {
  return carryOut(api, askedEdits(api, request, reply, edits));
}

/** Makes a change of these edits; the answer is somebody else's. */
export async function makeEdits(api: Api, request: WriteRequest, reply: FastifyReply, edits: readonly Edit[]) {
  await makeChange(api, askedEdits(api, request, reply, edits));
}

function askedEdits(api: Api, request: WriteRequest, reply: FastifyReply, edits: readonly Edit[]): Asked {
  const reader = readerOf(api, request, request.query.app);
  reply.request.act = { keys: edits.map(({ path }) => formatPath(path)) };
  requireEdits(reader, edits);
  if (edits.length === 0) throw new ConfigSyncError("REQUEST_INVALID", "the body names no key");
  const work: Asked["work"] = (signature) => reader.app.change({ ...signature, edits });
  return { reader, request, reply, edits, why: describeEdits(edits), work };
}

/** Throws FORBIDDEN where an edit is on a section that is not for these hands, VALUE_INVALID for a mask in the place of a value. */
export function requireEdits(reader: Reader, edits: readonly Edit[]): void {
  for (const edit of edits) {
    requireRight(reader.principal, "write", { app: reader.app.name, section: edit.path[0] });
    requireMapped(reader.principal, reader.app, edit);
  }
  refuseMasks(reader, edits);
}

/** A change that is asked for. */
export interface Asked {
  readonly reader: Reader;
  readonly request: WriteRequest;
  readonly reply: FastifyReply;
  readonly edits?: readonly Edit[];
  /** Where nobody says it. */
  readonly why: string;
  readonly work: (signature: Signature) => Promise<Changed>;
}

/** Answers with the revision, its changes and, where that is waited for, the services. */
export async function carryOut(api: Api, asked: Asked): Promise<z.output<typeof written>> {
  const { app, sight } = asked.reader;
  const { reply } = asked;
  const { query } = asked.request;
  const describe = ({ revision, changes }: Changed) => ({
    revision: seenRevision(revision, sight),
    changes: changes.map(showChange).filter(({ key }) => sight.key(key)),
  });
  if (query.wait === undefined) {
    const answer = earlyAnswer(reply, describe);
    return answer.give(await makeChange(api, asked, answer.prepare));
  }
  const changed = await makeChange(api, asked);
  const signal = patience(api, reply, query);
  const { outcome, services } = await whenHealthy(changed, { app, parts: api, signal });
  if (outcome === "unfinished") reply.code(202);
  return { ...describe(changed), health: { outcome, services: services.filter(({ name }) => sight.service(name)) } };
}

/** `onWritten` is told of the change when it only waits for the disk. */
async function makeChange(api: Api, asked: Asked, onWritten?: (changed: Changed) => void): Promise<Changed> {
  const { reader, request, reply, edits = [], why, work } = asked;
  const { app, principal, sight } = reader;
  const { headers, query } = request;
  const expected = expectedRevision(headers["if-match"], app.current().head);
  const message = query.message ?? why;
  const given = edits.map(({ value }) => value);
  // What is ours names keys, and no value.
  const said = query.message === undefined ? why : withoutGiven(query.message, given);
  reply.request.act = { ...reply.request.act, why: said };
  let unwitnessed: unknown;
  const witness = (changed: Changed): Promise<void> => {
    onWritten?.(changed);
    return recordNow(api, reply, actOf(changed, why)).catch((error: unknown) => {
      unwitnessed = error;
      throw error;
    });
  };
  const changed = await work({ author: principal.name, message, expected, witness }).catch((error: unknown) => {
    // What went wrong behind the witness goes on record, too.
    if (error !== unwitnessed) reply.request.isRecorded = false;
    throw seenRefusal(asConfigSyncError(error), sight);
  });
  // Of nothing that was different there was nothing to witness.
  if (!reply.request.isRecorded) await witness(changed);
  reply.header("etag", etagOf(changed.revision));
  return changed;
}

/**
 * A change as it goes on record: with its reason as the history has it, in which also secrets that are gone now are masked. Where nothing
 * was different there is none, and ours takes its place.
 */
export function actOf({ revision, changes }: Changed, ours: string): Partial<Told> {
  return {
    revision: revision.number,
    keys: changes.map(({ key }) => key),
    why: changes.length === 0 ? ours : revision.message,
  };
}

/** Does what is to be done, and answers where the services stand then: 202 where the time was over first. */
export async function carryOutWork(
  api: Api,
  { query, reply }: { readonly query: z.output<typeof waiting>; readonly reply: FastifyReply },
  work: () => Promise<void>,
  stand: () => Promise<Health>,
): Promise<Health> {
  const signal = patience(api, reply, query);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve());
  await Promise.race([work(), over]);
  const health = await stand();
  // Who follows the events knows by it when there are no more of this work.
  reply.header("last-event-id", api.log.lastId());
  if (health.outcome === "unfinished") reply.code(202);
  return health;
}

/** Aborted when the time is over, the one who asks is gone, or the server ends. The owner may wait as long as he likes. */
function patience(
  { settings, stopping, ending }: Api,
  reply: FastifyReply,
  { timeout }: { timeout?: string | undefined },
) {
  const { local } = reply.request;
  const { usualWait } = settings.limits;
  const longestWait = local ? Number.POSITIVE_INFINITY : settings.limits.longestWait;
  const milliseconds = timeout === undefined ? usualWait : (parseDuration(timeout) ?? usualWait);
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return AbortSignal.any([
    local ? ending : stopping,
    gone.signal,
    AbortSignal.timeout(Math.min(milliseconds, longestWait)),
  ]);
}

/** Who sends back what was shown in the place of a secret, be it with another host around it or at another key, would make `[secret]` the password. */
function refuseMasks({ app }: Reader, edits: readonly Edit[]): void {
  const { snapshot } = app.current();
  for (const { path, value } of edits) {
    if (value === undefined || !holdsMask(value)) continue;
    const written = formatPath(path);
    const entry = snapshot?.entries.get(written);
    if (entry !== undefined && value === reveal(entry.value)) continue;
    throw new ConfigSyncError("VALUE_INVALID", `what is given for ${written} is only what is shown in its place`, {
      key: written,
      hint: "Leave the key out to keep its value",
    });
  }
}

const mostNamed = 5;

/** `set gitea.http_port, remove web`: for the history of who does not say why. */
export function describeEdits(edits: readonly Edit[]): string {
  const named = edits
    .slice(0, mostNamed)
    .map(({ path, value }) => `${value === undefined ? "remove" : "set"} ${formatPath(path)}`);
  const rest = edits.length - mostNamed;
  return named.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
