/** What every write to an app's tree shares: on which revision, by whom and why, whether he may, and what is on record of it. */
import type { FastifyReply } from "fastify";
import { isAllowed, requireRight } from "../../access/principal.ts";
import type { TreeChanged, TreeChangeRequest, TreeEdit, TreeState } from "../../apps/tree-app.ts";
import { secretBySchema } from "../../apps/tree-secrets.ts";
import { isTree, type Json, type JsonTree, type TreeChange } from "../../config/json.ts";
import { formatPath, type Path, parsePath } from "../../config/path.ts";
import { asConfigSyncError } from "../../errors.ts";
import type { Api } from "./api.ts";
import { principalOf } from "./authorize.ts";
import { requireMapped } from "./mapped-rights.ts";
import { etagOf, expectedRevision } from "./preconditions.ts";
import { withoutGiven, withoutSecrets } from "./reason.ts";
import { recordNow } from "./record.ts";
import { seenRefusal } from "./sight.ts";
import { presentState, type TreeReader } from "./tree-reading.ts";

export interface TreeWish extends Pick<TreeChangeRequest, "edits" | "schema"> {
  /** For the history; without it the keys are named. */
  readonly message?: string | undefined;
}

/**
 * Makes the change, puts it on record, sets the ETag. Who writes a section must have the right on it, whether he names it or lets it
 * go by leaving it out. Throws as `TreeApp.change` does, and FORBIDDEN.
 */
export async function writeTree(
  api: Api,
  reader: TreeReader,
  reply: FastifyReply,
  wish: TreeWish,
): Promise<TreeChanged> {
  const { app, principal, sight } = reader;
  const { edits, schema } = wish;
  reply.request.act = { keys: edits.flatMap(namedBy).map(formatPath) };
  requireNamed(reader, edits);
  const before = presentState(reader);
  if (schema !== undefined) requireSchemaRight(reader, before, schema ?? undefined);
  const expected = expectedRevision(reply.request.headers["if-match"], before.revision);
  const message = reasonOf(reader, before, wish) ?? describeTreeEdits(edits, schema);
  reply.request.act = { ...reply.request.act, why: message };
  const permit = (changes: readonly TreeChange[]): void => {
    for (const { path, after } of changes) {
      const keys = parsePath(path) ?? [];
      requireRight(principal, "write", { app: app.name, section: keys[0] });
      if (typeof after === "string") requireMapped(principal, api.app(app.name), { path: keys, value: after });
    }
  };
  const request = { author: principal.name, message, expected, edits, schema, permit };
  const changed = await app.change(request).catch((error: unknown) => {
    throw seenRefusal(asConfigSyncError(error), sight);
  });
  const keys = changed.changes.map(({ path }) => path);
  await recordNow(api, reply, { revision: changed.revision.number, keys });
  reply.header("etag", etagOf(changed.revision));
  return changed;
}

export interface NewTree {
  readonly data?: JsonTree | undefined;
  readonly schema?: JsonTree | undefined;
  readonly message?: string | undefined;
}

/** Makes an app, puts it on record, sets status and ETag. Throws as `TreeApps.create` does, FORBIDDEN, and REVISION_MOVED where one was looked at. */
export async function makeTree(
  api: Api,
  reply: FastifyReply,
  name: string,
  { data = {}, schema, message: why }: NewTree,
): Promise<TreeState> {
  const { request } = reply;
  const { name: author } = principalOf(request);
  const message = why === undefined ? `make the app ${name}` : withoutGiven(why, [data]);
  request.act = { app: name, why: message };
  requireRight(principalOf(request), "write", { app: name });
  expectedRevision(request.headers["if-match"], undefined);
  const state = (await api.trees.create(name, { data, schema }, { author, message })).current();
  await recordNow(api, reply, { revision: state.revision.number });
  reply.code(201).header("etag", etagOf(state.revision));
  return state;
}

/** Without what is secret before the change, and what it makes secret. */
function reasonOf({ app }: TreeReader, { data }: TreeState, { message, edits, schema }: TreeWish): string | undefined {
  const isSecret = (path: Path): boolean => app.isSecret(path) || secretBySchema(schema ?? undefined, path);
  return message && withoutSecrets(message, [{ path: [], value: data }, ...edits], isSecret);
}

/**
 * Sections that are named are asked for at once, so that nobody finds out by trying what stands in those of others. Who replaces the
 * whole may name what he does not change: it is looked at when it is known what would be different.
 */
function requireNamed({ app, principal }: TreeReader, edits: readonly TreeEdit[]): void {
  for (const edit of edits) {
    const right = edit.path.length === 0 && edit.merge !== true ? "read" : "write";
    for (const [section] of namedBy(edit)) requireRight(principal, right, { app: app.name, section });
  }
}

/** The path, or of the whole its sections. */
function namedBy({ path, value }: TreeEdit): Path[] {
  if (path.length > 0) return [path];
  return isTree(value) ? Object.keys(value).map((section) => [section]) : [];
}

/** A schema says what is secret: who may not see secrets cannot make one that says less. */
function requireSchemaRight({ app, principal }: TreeReader, { data, schema }: TreeState, next: JsonTree | undefined) {
  requireRight(principal, "write", { app: app.name });
  if (isAllowed(principal, "administer", { app: app.name })) return;
  const isShownBy = (path: Path): boolean => secretBySchema(schema, path) && !secretBySchema(next, path);
  if (somewhere(data, [], isShownBy)) requireRight(principal, "administer", { app: app.name });
}

function somewhere(tree: JsonTree, at: Path, test: (path: Path) => boolean): boolean {
  return Object.entries(tree).some(([key, value]) => {
    const path = [...at, key];
    if (test(path)) return true;
    const items = Array.isArray(value)
      ? Object.fromEntries<Json>(value.map((item, index) => [`${index}`, item]))
      : value;
    return isTree(items) && somewhere(items, path, test);
  });
}

const mostNamed = 5;

/** `set server.port, remove web`: for the history of who does not say why. */
function describeTreeEdits(edits: readonly TreeEdit[], schema: JsonTree | null | undefined): string {
  const named = edits.map((edit) => {
    const { path, value, merge } = edit;
    if (path.length > 0) return `${value === undefined ? "remove" : "set"} ${formatPath(path)}`;
    return merge === true ? `set ${namedBy(edit).slice(0, mostNamed).map(formatPath).join(", ")}` : "replace all";
  });
  const about = schema === undefined ? [] : [schema === null ? "remove the schema" : "set the schema"];
  return [...named, ...about].join(", ");
}
