/** What every route on an app begins with: which app, what there is, and what of it the one who asks may see. */
import type { FastifyRequest } from "fastify";
import type { Principal } from "../../access/principal.ts";
import { requireRight } from "../../access/principal.ts";
import type { Entry, Snapshot } from "../../config/layers.ts";
import { ConfigSyncError, errorTable } from "../../errors.ts";
import type { Api } from "./api.ts";
import { principalOf } from "./authorize.ts";
import type { ApiApp } from "./parts.ts";
import { type View, viewOf } from "./settings-view.ts";
import { type Sight, sightOf } from "./sight.ts";

export interface Reader {
  readonly app: ApiApp;
  readonly principal: Principal;
  readonly sight: Sight;
}

/** Throws NOT_FOUND for an app that is not there. Whether the one who asks reaches it was asked before. */
export function readerOf(api: Api, request: Pick<FastifyRequest, "principal">, name: string): Reader {
  const app = api.app(name);
  if (app === undefined) throw noSettings(name);
  const principal = principalOf(request as FastifyRequest);
  return { app, principal, sight: sightOf(principal, name, api.services) };
}

function noSettings(name: string): ConfigSyncError {
  return new ConfigSyncError("NOT_FOUND", `there is no app "${name}" with sections of settings`, {
    hint: "What is a tree of values is at /api/apps",
  });
}

/** The present values. Throws why there are none. */
export function presentView(reader: Reader): View {
  return viewOf(presentSnapshot(reader));
}

/** Throws why there is none. */
export function presentSnapshot({ app, sight }: Reader): Snapshot {
  const { snapshot, problems } = app.current();
  return snapshot ?? refuse(problems[0], sight);
}

function refuse(problem: ConfigSyncError | undefined, sight: Sight): Snapshot {
  if (problem === undefined) throw new ConfigSyncError("SOURCE_MISSING", "the sources have not been read yet");
  throw sight.whole ? problem : new ConfigSyncError(problem.code, errorTable[problem.code].meaning);
}

/** Throws FORBIDDEN for a section that is not for these eyes, NOT_FOUND for one that is not there. */
export function presentSection(reader: Reader, section: string): ReadonlyMap<string, Entry> {
  requireRight(reader.principal, "read", { app: reader.app.name, section });
  const keys = presentView(reader).get(section);
  if (keys !== undefined) return keys;
  throw new ConfigSyncError("NOT_FOUND", `there is no section [${section}]`, { key: section });
}

export function presentEntry(reader: Reader, section: string, key: string): Entry {
  const entry = presentSection(reader, section).get(key);
  if (entry !== undefined) return entry;
  throw new ConfigSyncError("NOT_FOUND", `there is no key ${key} in [${section}]`, { key: `${section}.${key}` });
}

/** Whether values are shown in full; throws FORBIDDEN where that is asked for by one who may not. */
export function isRevealed({ app, principal }: Reader, reveal: "true" | "false", section?: string): boolean {
  if (reveal === "false") return false;
  requireRight(principal, "administer", { app: app.name, section });
  return true;
}
