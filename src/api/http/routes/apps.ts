/** Apps: which there are, making and removing them, reading them anew, asking what would be wrong. */
import { z } from "zod";
import { isAllowed, requireRight } from "../../../access/principal.ts";
import { findingOf } from "../../../sync/findings.ts";
import type { Api, Server } from "../api.ts";
import { principalOf } from "../authorize.ts";
import { expectedRevision } from "../preconditions.ts";
import { withoutSecretsOf } from "../reason.ts";
import { recordNow } from "../record.ts";
import { finding, revisionInfo } from "../schemas.ts";
import { seenRevision } from "../sight.ts";
import { presentState, treeReaderOf } from "../tree-reading.ts";
import { appList, appMade, appParams, tree, writeHeaders, writeQuery } from "../tree-schemas.ts";
import { makeTree } from "../tree-writing.ts";
import { seenFinding } from "./check.ts";
import { readErrors, writeErrors } from "./settings.ts";

const tags = ["apps"];
export const treeReadErrors = [...readErrors, "SOURCE_UNSTABLE", "HISTORY_UNUSABLE"] as const;
export const treeWriteErrors = [...writeErrors, "EXISTS", "TOO_LARGE"] as const;

export function addAppRoutes(server: Server, api: Api): void {
  const { trees } = api;

  server.get("/apps", {
    config: { right: "read", app: "any" },
    schema: { tags, summary: "The apps that you may read", response: { 200: appList } },
    handler: async (request) => {
      const principal = principalOf(request);
      const [section] = principal.grant.sections ?? [];
      return { apps: trees.names().filter((app) => isAllowed(principal, "read", { app, section })) };
    },
  });

  server.post("/apps/:app", {
    config: { right: "write", audit: "app.create", errors: treeWriteErrors },
    schema: {
      tags,
      summary: "Make an app, empty or with values and a JSON Schema",
      params: appParams,
      querystring: writeQuery,
      headers: writeHeaders,
      body: z.strictObject({ data: tree.optional(), schema: tree.optional() }).nullish(),
      response: { 201: appMade },
    },
    handler: async (request, reply) => {
      const { app } = request.params;
      const { revision } = await makeTree(api, reply, app, { ...request.body, ...request.query });
      return { app, revision };
    },
  });

  server.delete("/apps/:app", {
    config: { right: "write", audit: "app.remove", errors: treeWriteErrors },
    schema: {
      tags,
      summary: "Remove an app",
      description: "Its history stays, and goes on where an app of that name is made again.",
      params: appParams,
      querystring: writeQuery,
      headers: writeHeaders,
      response: { 204: z.undefined().describe("removed") },
    },
    handler: async (request, reply) => {
      const { app: name } = request.params;
      const reader = treeReaderOf(api, request, name);
      const { app, principal } = reader;
      requireRight(principal, "write", { app: name });
      const why = request.query.message;
      const message = why === undefined ? `remove the app ${name}` : withoutSecretsOf(app, why);
      // One that cannot be read can be removed by who names no revision.
      const seen = request.headers["if-match"];
      const expected = seen === undefined ? undefined : expectedRevision(seen, presentState(reader).revision);
      await trees.remove(name, { author: principal.name, message, expected });
      await recordNow(api, reply, { why: message });
      return reply.code(204).send();
    },
  });

  server.post("/apps/:app/reload", {
    config: { right: "operate", audit: "look", errors: treeWriteErrors },
    schema: {
      tags,
      summary: "Read the documents of an app again now",
      params: appParams,
      response: { 200: z.object({ revision: revisionInfo }) },
    },
    handler: async (request) => {
      const reader = treeReaderOf(api, request, request.params.app);
      await reader.app.reload();
      return { revision: seenRevision(presentState(reader).revision, reader.sight) };
    },
  });

  server.post("/apps/:app/validate", {
    config: { right: "operate", errors: treeReadErrors },
    schema: {
      tags,
      summary: "What stands against this configuration, or against what is there; changes nothing",
      params: appParams,
      body: tree.nullish(),
      response: { 200: z.object({ ok: z.boolean(), findings: z.array(finding) }) },
    },
    handler: async (request) => {
      const reader = treeReaderOf(api, request, request.params.app);
      const { app, principal, sight } = reader;
      for (const section of Object.keys(request.body ?? {}))
        requireRight(principal, "read", { app: app.name, section });
      presentState(reader);
      const errors = await app.validate(request.body ?? undefined);
      return { ok: errors.length === 0, findings: errors.map((error) => seenFinding(findingOf(error), sight)) };
    },
  });
}
