/** The same apps in the shape of a store with versions: `/login`, `/configs`, `/configs/{name}?version=3`. */
import { z } from "zod";
import type { TreeState } from "../../../apps/tree-app.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { RevisionInfo } from "../../../history/history.ts";
import type { Api, Server } from "../api.ts";
import { addressOf } from "../authorize.ts";
import { etagOf } from "../preconditions.ts";
import { tokens } from "../schemas.ts";
import { type Sight, seenRevision } from "../sight.ts";
import { presentState, seenData, type TreeReader, treeReaderOf } from "../tree-reading.ts";
import {
  appParam,
  config,
  newConfig,
  nextConfig,
  readQuery,
  version,
  versionInfo,
  writeHeaders,
} from "../tree-schemas.ts";
import { makeTree, writeTree } from "../tree-writing.ts";
import { treeReadErrors, treeWriteErrors } from "./apps.ts";

const tags = ["configs"];
const params = z.object({ name: appParam });
const name = z.string().min(1).max(200);
const password = z.string().min(1).max(1024);

export function addConfigRoutes(server: Server, api: Api): void {
  server.post("/login", {
    config: { right: "nobody", audit: "login", errors: ["UNAUTHENTICATED"] },
    schema: {
      tags,
      summary: "Tokens for a user and a password",
      body: z.union([z.strictObject({ user: name, password }), z.strictObject({ username: name, password })]),
      response: { 200: tokens.extend({ token: z.string().describe("the same as access") }) },
    },
    handler: async (request) => {
      const { body } = request;
      const user = "user" in body ? body.user : body.username;
      const made = await api.access.login({ user, password: body.password, address: addressOf(request) });
      return { ...made, token: made.access };
    },
  });

  server.post("/configs", {
    config: { right: "write", app: "any", audit: "app.create", errors: treeWriteErrors },
    schema: {
      tags,
      summary: "Make a configuration",
      headers: writeHeaders,
      body: newConfig,
      response: { 201: config },
    },
    handler: async (request, reply) => {
      const { name, ...initial } = request.body;
      const state = await makeTree(api, reply, name, initial);
      return shownConfig(treeReaderOf(api, request, name), state);
    },
  });

  server.get("/configs/:name", {
    config: { right: "read", app: "name", audit: "reveal", errors: treeReadErrors },
    schema: {
      tags,
      summary: "A configuration, as it is or as it was",
      params,
      querystring: readQuery.extend({ version: version.optional().describe("without it the newest") }),
      response: { 200: config },
    },
    handler: async (request, reply) => {
      const { version, reveal } = request.query;
      const reader = treeReaderOf(api, request, request.params.name);
      const state = version === undefined ? presentState(reader) : await stateAt(reader, version);
      reply.header("etag", etagOf(state.revision));
      return shownConfig(reader, state, reveal);
    },
  });

  server.put("/configs/:name", {
    config: { right: "write", app: "name", audit: "change", errors: treeWriteErrors },
    schema: {
      tags,
      summary: "Make the next version of a configuration",
      description: "What is not named goes. Where nothing is different, no version is made.",
      params,
      headers: writeHeaders,
      body: nextConfig,
      response: { 200: config },
    },
    handler: async (request, reply) => {
      const reader = treeReaderOf(api, request, request.params.name);
      const { data, schema, message } = request.body;
      const wish = { edits: [{ path: [], value: data }], message, ...(schema !== undefined && { schema }) };
      return shownConfig(reader, await writeTree(api, reader, reply, wish));
    },
  });

  server.get("/configs/:name/versions", {
    config: { right: "read", app: "name", errors: treeReadErrors },
    schema: {
      tags,
      summary: "The versions of a configuration, newest first",
      params,
      querystring: z.strictObject({
        limit: z.coerce.number().int().min(1).max(1000).default(50),
        before: version.optional().describe("only those with a smaller number"),
      }),
      response: { 200: z.object({ name: z.string(), versions: z.array(versionInfo) }) },
    },
    handler: async (request) => {
      const { limit, before } = request.query;
      const { app, sight } = treeReaderOf(api, request, request.params.name);
      const revisions = await app.revisions({ limit, ...(before !== undefined && { before }) });
      return { name: app.name, versions: revisions.map((revision) => shownVersion(revision, sight)) };
    },
  });
}

async function stateAt({ app }: TreeReader, version: number): Promise<TreeState> {
  const state = await app.at(version);
  if (state !== undefined) return state;
  throw new ConfigSyncError("NOT_FOUND", `there is no version ${version} of "${app.name}"`);
}

function shownConfig(reader: TreeReader, state: TreeState, reveal: "true" | "false" = "false") {
  const { app, sight } = reader;
  const data = seenData(reader, state, reveal);
  return {
    name: app.name,
    ...shownVersion(state.revision, sight),
    data,
    schema: sight.whole ? (state.schema ?? null) : null,
  };
}

function shownVersion(revision: RevisionInfo, sight: Sight) {
  const { number, author, at, message } = seenRevision(revision, sight);
  return { version: number, author, at, message };
}
