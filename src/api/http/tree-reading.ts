/** What every route on an app's tree begins with: which app, who asks, and what of it he may see. */
import type { FastifyRequest } from "fastify";
import { type Principal, requireRight } from "../../access/principal.ts";
import type { TreeApp, TreeState } from "../../apps/tree-app.ts";
import { secretBySchema } from "../../apps/tree-secrets.ts";
import type { Json, JsonTree, TreeChange } from "../../config/json.ts";
import { valueAt } from "../../config/json-tree.ts";
import { maskValue } from "../../config/masked-tree.ts";
import { formatPath, type Path, parsePath } from "../../config/path.ts";
import { ConfigSyncError } from "../../errors.ts";
import type { Api } from "./api.ts";
import { principalOf } from "./authorize.ts";
import { type Sight, seenRefusal, sightOf } from "./sight.ts";

export interface TreeReader {
  readonly app: TreeApp;
  readonly principal: Principal;
  readonly sight: Sight;
}

/** Throws NOT_FOUND for an app that is not there. Whether the one who asks reaches it was asked before. */
export function treeReaderOf(api: Api, request: Pick<FastifyRequest, "principal">, name: string): TreeReader {
  const app = api.trees.get(name);
  if (app === undefined) throw new ConfigSyncError("NOT_FOUND", `there is no app "${name}"`);
  const principal = principalOf(request as FastifyRequest);
  // No service is made of a tree: what there is to see is sections.
  return { app, principal, sight: sightOf(principal, name, () => []) };
}

/** The newest state. Throws why there is none, as far as that is for these eyes. */
export function presentState({ app, sight }: TreeReader): TreeState {
  try {
    return app.current();
  } catch (error) {
    throw error instanceof ConfigSyncError ? seenRefusal(error, sight) : error;
  }
}

/** Throws FORBIDDEN for what is not for these eyes, NOT_FOUND for what is not there. */
export function presentValue(reader: TreeReader, path: Path): Json {
  requireRight(reader.principal, "read", { app: reader.app.name, section: path[0] });
  const value = valueAt(presentState(reader).data, path);
  if (value !== undefined) return value;
  const key = formatPath(path);
  throw new ConfigSyncError("NOT_FOUND", `there is no ${key}`, { key });
}

/** The sections that are for these eyes, secrets masked unless they are asked for by one who may see them. */
export function seenData(reader: TreeReader, state: TreeState, reveal: "true" | "false" = "false"): JsonTree {
  const sections = Object.entries(state.data).filter(([name]) => reader.sight.section(name));
  return Object.fromEntries(
    sections.map(([name, value]) => [name, seenValue(reader, state, [name], { value, reveal })]),
  );
}

export interface Shown {
  readonly value: Json;
  readonly reveal?: "true" | "false";
}

/** Throws FORBIDDEN where secrets are asked for by one who may not see them. */
export function seenValue(
  { app, principal }: TreeReader,
  { schema, secrets }: Pick<TreeState, "schema" | "secrets">,
  path: Path,
  { value, reveal = "false" }: Shown,
): Json {
  if (reveal === "true") {
    requireRight(principal, "administer", { app: app.name, section: path[0] });
    return value;
  }
  // What was secret when it was written stays so, whatever is said of its path now.
  const wasSecret = (at: Path): boolean => secretBySchema(schema, at) || secrets?.has(formatPath(at)) === true;
  return maskValue(value, path, (at) => app.isSecret(at) || wasSecret(at));
}

/** Of changes those that are for these eyes. */
export function seenTreeChanges(reader: TreeReader, state: TreeState, changes: readonly TreeChange[]): TreeChange[] {
  return changes
    .filter(({ path }) => reader.sight.key(path))
    .map(({ path: written, kind, before, after, secret = false }) => {
      const path = parsePath(written) ?? [written];
      const show = (value: Json): Json =>
        secret ? maskValue(value, path, () => true) : seenValue(reader, state, path, { value });
      return {
        path: written,
        kind,
        ...(before !== undefined && { before: show(before) }),
        ...(after !== undefined && { after: show(after) }),
      };
    });
}
