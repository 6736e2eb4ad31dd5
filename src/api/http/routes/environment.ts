/** The environment variables that services get: the variables themselves, and the mappings that some of them come from. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { byRank, listVariables, type Variable } from "../../../config/environment.ts";
import {
  type EnvironmentKind,
  environmentSection,
  mappingName,
  variableName,
} from "../../../config/environment-section.ts";
import { serviceName } from "../../../config/schema.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { Api, Server } from "../api.ts";
import { listMappings, type ShownVariable, showVariables } from "../environment-view.ts";
import { isRevealed, presentSnapshot, readerOf } from "../reading.ts";
import { app, environmentMapping, environmentVariable, flag, ifMatch, newValue, writing, written } from "../schemas.ts";
import { writeEdits } from "../writing.ts";
import { readErrors, setEtag, writeErrors } from "./settings.ts";

const tags = ["environment"];
const service = { service: serviceName.optional().describe("defined for this service only") };
const query = z.strictObject({ ...app, ...service });
const revealing = query.extend({ reveal: flag.describe("show secrets; needs the right to administer") });
const nameParams = z.object({ name: z.string().regex(variableName, "is not the name of a variable") });
const mappingParams = z.object({ name: z.string().regex(mappingName, "is not the name of a variable") });
const mappedFrom = z.strictObject({
  from: z
    .string()
    .min(1)
    .max(10_000)
    .describe("`mail.host`, `mail.*` for a name that ends in `*`, or a text with `$" + "{mail.host}` in it"),
});
const reading = { right: "read", errors: readErrors } as const;
const readingInFull = { ...reading, audit: "reveal" } as const;
const write = { right: "write", audit: "change", errors: writeErrors } as const;
const change = {
  tags,
  querystring: writing.extend(service),
  headers: ifMatch.loose(),
  response: { 200: written, 202: written },
};

export function addEnvironmentRoutes(server: Server, api: Api): void {
  server.get("/environment", {
    config: readingInFull,
    schema: {
      tags,
      summary: "The environment variables, where each comes from and which services get it",
      querystring: revealing,
      response: { 200: z.array(environmentVariable) },
    },
    handler: async (request, reply) => {
      const { service } = request.query;
      const isMeant = (variable: Variable): boolean => service === undefined || variable.service === service;
      return showMeant(api, request, reply, (variables) => variables.filter(isMeant));
    },
  });

  server.get("/environment/:name", {
    config: readingInFull,
    schema: {
      tags,
      summary: "One variable",
      params: nameParams,
      querystring: revealing,
      response: { 200: environmentVariable },
    },
    handler: async (request, reply) => {
      const { name } = request.params;
      const { service } = request.query;
      const isMeant = (variable: Variable): boolean => variable.name === name && variable.service === service;
      const [found] = showMeant(api, request, reply, (variables) => byRank(variables.filter(isMeant)).slice(0, 1));
      if (found === undefined) throw notThere("variable", name, service);
      return found;
    },
  });

  server.put("/environment/:name", {
    config: write,
    schema: { ...change, summary: "Set a variable", params: nameParams, body: newValue },
    handler: (request, reply) => {
      const path = pathIn(api, "variable", request);
      return writeEdits(api, request, reply, [{ path, value: request.body.value }]);
    },
  });

  server.delete("/environment/:name", {
    config: write,
    schema: {
      ...change,
      summary: "Remove a variable",
      description: "It leaves the files of the services that got it. One that is mapped goes with its mapping.",
      params: nameParams,
    },
    handler: (request, reply) => writeEdits(api, request, reply, [{ path: pathIn(api, "variable", request) }]),
  });

  server.get("/mappings", {
    config: reading,
    schema: {
      tags,
      summary: "What variables are mapped from",
      querystring: query,
      response: { 200: z.array(environmentMapping) },
    },
    handler: async (request, reply) => {
      const { service } = request.query;
      const mappings = seenMappings(api, request, reply);
      return service === undefined ? mappings : mappings.filter((mapping) => mapping.service === service);
    },
  });

  server.get("/mappings/:name", {
    config: reading,
    schema: {
      tags,
      summary: "What one variable is mapped from",
      params: mappingParams,
      querystring: query,
      response: { 200: environmentMapping },
    },
    handler: async (request, reply) => {
      const { name } = request.params;
      const { service } = request.query;
      const mappings = seenMappings(api, request, reply);
      const found = mappings.find((mapping) => mapping.name === name && mapping.service === service);
      if (found === undefined) throw notThere("mapping", name, service);
      return found;
    },
  });

  server.put("/mappings/:name", {
    config: write,
    schema: {
      ...change,
      summary: "Map a variable from a key, from a section, or from a text of several keys",
      description: "Takes the right to read every section that it is mapped from.",
      params: mappingParams,
      body: mappedFrom,
    },
    handler: (request, reply) => {
      const path = pathIn(api, "mapping", request);
      return writeEdits(api, request, reply, [{ path, value: request.body.from }]);
    },
  });

  server.delete("/mappings/:name", {
    config: write,
    schema: {
      ...change,
      summary: "Remove a mapping",
      description: "The variables that it made leave the files of the services that got them.",
      params: mappingParams,
    },
    handler: (request, reply) => writeEdits(api, request, reply, [{ path: pathIn(api, "mapping", request) }]),
  });
}

type Revealing = Pick<FastifyRequest, "principal"> & { readonly query: z.output<typeof revealing> };

type Choose = (variables: readonly Variable[]) => readonly Variable[];

/** What may be seen is all of one grant, and so is what may be shown in full. */
function showMeant(api: Api, request: Revealing, reply: FastifyReply, choose: Choose): ShownVariable[] {
  const reader = readerOf(api, request, request.query.app);
  setEtag(reply, reader);
  const { sight, principal } = reader;
  const revealed = isRevealed(reader, request.query.reveal, principal.grant.sections?.[0]);
  const variables = choose(listVariables(presentSnapshot(reader)));
  return showVariables(variables, { sight, uses: api.services(), revealed });
}

type Querying = Pick<FastifyRequest, "principal"> & { readonly query: z.output<typeof query> };

function seenMappings(api: Api, request: Querying, reply: FastifyReply) {
  const reader = readerOf(api, request, request.query.app);
  setEtag(reply, reader);
  return listMappings(presentSnapshot(reader), reader.sight);
}

interface Naming {
  readonly params: { readonly name: string };
  readonly query: { readonly app: string; readonly service?: string | undefined };
}

/** Throws NOT_FOUND where the workspace has no document that it could stand in. */
function pathIn(api: Api, kind: EnvironmentKind, { params, query }: Naming): string[] {
  if (api.app(query.app)?.environment !== undefined) return [environmentSection(kind, query.service), params.name];
  throw new ConfigSyncError("NOT_FOUND", `${query.app} has no document of environment variables`, {
    hint: "Name one under environment in config-sync.yaml, with at least variables: {} in it",
  });
}

function notThere(kind: EnvironmentKind, name: string, service: string | undefined): ConfigSyncError {
  const key = `${environmentSection(kind, service)}.${name}`;
  const scope = service === undefined ? "for every service" : `for ${service}`;
  return new ConfigSyncError("NOT_FOUND", `there is no ${kind} ${name} ${scope}`, { key });
}
