/** Sealing secrets where they stand: in the files, and in the documents of apps. */
import type { FastifyReply } from "fastify";
import { z } from "zod";
import { isAllowed, requireRight } from "../../../access/principal.ts";
import type { Sealable, SealRequest } from "../../../apps/change.ts";
import type { SealedKeys } from "../../../apps/tree-app.ts";
import { asConfigSyncError, ConfigSyncError } from "../../../errors.ts";
import type { Api, Server } from "../api.ts";
import { principalOf } from "../authorize.ts";
import { expectedRevision } from "../preconditions.ts";
import { readerOf } from "../reading.ts";
import { withoutSecretsOf } from "../reason.ts";
import { recordNow } from "../record.ts";
import { ifMatch, message, revisionInfo, writing } from "../schemas.ts";
import { seenRevision, sightOf } from "../sight.ts";
import { writeErrors } from "./settings.ts";

const body = z.strictObject({ which: z.enum(["clear", "old", "aes256"]) });
const sealed = z.object({ revision: revisionInfo, keys: z.array(z.string()) });

export function addSealRoutes(server: Server, api: Api): void {
  server.post("/settings/seal", {
    config: { right: "administer", audit: "seal", errors: writeErrors },
    schema: {
      tags: ["settings"],
      summary: "Encrypt secrets where they stand in the files; what they say stays the same",
      description:
        "`clear`: what stands in clear. `old`: what was encrypted with another key than the first. `aes256`: what Websoft9 encrypted. " +
        "One revision, or none where there is nothing of that kind.",
      querystring: writing.omit({ wait: true, timeout: true }),
      headers: ifMatch.pick({ "if-match": true }).loose(),
      body,
      response: { 200: sealed },
    },
    handler: async (request, reply) => {
      const { app, principal, sight } = readerOf(api, request, request.query.app);
      requireRight(principal, "administer", { app: app.name });
      refuseReadOnly(api);
      const { which } = request.body;
      const message = request.query.message ?? reasons[which];
      const { revision, keys } = await app.seal({
        which,
        author: principal.name,
        message,
        expected: expectedRevision(request.headers["if-match"], app.current().head),
      });
      await recordNow(api, reply, {
        revision: revision.number,
        keys,
        why: keys.length === 0 ? reasons[which] : revision.message,
      });
      return { revision: seenRevision(revision, sight), keys: [...keys] };
    },
  });

  server.post("/seal", {
    config: { right: "administer", app: "any", audit: "seal", errors: [...writeErrors, "TOO_LARGE"] },
    schema: {
      tags: ["apps"],
      summary: "Encrypt secrets where they stand, in every app that you administer",
      description:
        "One revision an app, and none where there is nothing of that kind. Where an app refuses it the others are done, and the answer is " +
        "the refusal: asked again, it goes on with what is left.",
      querystring: z.strictObject({ message }),
      body,
      response: { 200: z.object({ apps: z.array(sealed.extend({ app: z.string() })) }) },
    },
    handler: async (request, reply) => {
      refuseReadOnly(api);
      const principal = principalOf(request);
      const names = api.trees.names().filter((app) => isAllowed(principal, "administer", { app }));
      if (names.length === 0) requireRight(principal, "administer", { app: "default" });
      const { which } = request.body;
      const message = withoutTheirs(api, names, request.query.message) ?? reasons[which];
      const done = await sealEach(api, reply, names, { which, message });
      const sight = (app: string) => sightOf(principal, app, () => []);
      return {
        apps: done.map(({ app, revision, keys }) => ({
          app,
          revision: seenRevision(revision, sight(app)),
          keys: [...keys],
        })),
      };
    },
  });
}

/** The reason is kept with each of these apps: without what is secret in any of them. */
function withoutTheirs({ trees }: Api, names: readonly string[], reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined;
  const apps = names.flatMap((name) => trees.get(name) ?? []);
  return apps.reduce((text, app) => withoutSecretsOf(app, text), reason);
}

interface Wish {
  readonly which: Sealable;
  readonly message: string;
}

/** One after the other, each on record as it is done. Throws the first refusal, when all that could be done is. */
async function sealEach(api: Api, reply: FastifyReply, names: readonly string[], wish: Wish) {
  const done: (SealedKeys & { readonly app: string })[] = [];
  const refusals: { readonly app: string; readonly error: ConfigSyncError }[] = [];
  for (const app of names) {
    try {
      const sealed = await sealApp(api, app, { ...wish, author: principalOf(reply.request).name });
      if (sealed === undefined || sealed.keys.length === 0) continue;
      const { revision, keys } = sealed;
      await recordNow(api, reply, { app, revision: revision.number, keys, why: revision.message });
      done.push({ app, revision, keys });
    } catch (error) {
      refusals.push({ app, error: asConfigSyncError(error) });
    }
  }
  const [refusal] = refusals;
  if (refusal === undefined) return done;
  // Those that were done are on record: the answer puts this one beside them.
  reply.request.isRecorded = false;
  reply.request.act = { app: refusal.app, why: wish.message };
  const sealedIn = done.length === 0 ? "" : ` (sealed in ${done.map(({ app }) => app).join(", ")})`;
  const { code, message, key, place, hint } = refusal.error;
  throw new ConfigSyncError(code, `${message}${sealedIn}`, { key, place, hint, cause: refusal.error });
}

/** `default` of a daemon at its door, which keeps the files; all others in their documents. */
async function sealApp(api: Api, name: string, request: SealRequest): Promise<SealedKeys | undefined> {
  // Websoft9 encrypted nothing in trees.
  const inTree = request.which === "aes256" ? undefined : api.trees.get(name)?.seal;
  return (api.app(name)?.seal ?? inTree)?.(request);
}

function refuseReadOnly({ settings: { readOnly } }: Api): void {
  if (readOnly !== undefined) throw new ConfigSyncError("READ_ONLY", readOnly);
}

const reasons = {
  clear: "encrypt secrets that stood in clear",
  old: "encrypt secrets with the new key",
  aes256: "encrypt anew what Websoft9 had encrypted",
} as const;
