/** The environment variables that services get: the variables themselves, and the mappings that some of them come from. */
import { z } from "zod";
import {
  type EnvironmentKind,
  environmentSection,
  patternName,
  variableName,
} from "../../../config/environment-section.ts";
import { serviceName } from "../../../config/schema.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { Api, Server } from "../api.ts";
import { listMappings, seenVariables, showVariable } from "../environment-view.ts";
import { isRevealed, presentSnapshot, type Reader, readerOf } from "../reading.ts";
import { app, environmentMapping, environmentVariable, flag, ifMatch, newValue, writing, written } from "../schemas.ts";
import { writeEdits } from "../writing.ts";
import { readErrors, setEtag, writeErrors } from "./settings.ts";

const tags = ["environment"];
const service = { service: serviceName.optional().describe("defined for this service only") };
const query = z.strictObject({ ...app, ...service });
const revealing = query.extend({ reveal: flag.describe("show secrets; needs the right to administer") });
const changing = writing.extend(service);
const nameParams = z.object({ name: z.string().regex(variableName, "is not the name of a variable") });
const mappingParams = z.object({
  name: z.string().refine((name) => variableName.test(name) || patternName.test(name), "is not the name of a variable"),
});
const mappedFrom = z.strictObject({
  from: z
    .string()
    .min(1)
    .max(10_000)
    .describe("`mail.host`, `mail.*` for a name that ends in `*`, or a text with `$" + "{mail.host}` in it"),
});
const writeAnswer = { 200: written, 202: written };

export function addEnvironmentRoutes(server: Server, api: Api): void {
  server.get("/environment", {
    config: { right: "read", audit: "reveal", errors: readErrors },
    schema: {
      tags,
      summary: "The environment variables, where each comes from and which services get it",
      querystring: revealing,
      response: { 200: z.array(environmentVariable) },
    },
    handler: async (request, reply) => {
      const reader = readerOf(api, request, request.query.app);
      setEtag(reply, reader);
      return showAll(api, reader, request.query).map(({ shown }) => shown);
    },
  });

  server.get("/environment/:name", {
    config: { right: "read", audit: "reveal", errors: readErrors },
    schema: {
      tags,
      summary: "One variable",
      params: nameParams,
      querystring: revealing,
      response: { 200: environmentVariable },
    },
    handler: async (request, reply) => {
      const reader = readerOf(api, request, request.query.app);
      setEtag(reply, reader);
      const { name } = request.params;
      const found = showAll(api, reader, request.query).find(
        ({ variable }) => variable.name === name && variable.service === request.query.service,
      );
      if (found === undefined) throw notThere("variable", name, request.query.service);
      return found.shown;
    },
  });

  server.put("/environment/:name", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Set a variable",
      params: nameParams,
      querystring: changing,
      headers: ifMatch.loose(),
      body: newValue,
      response: writeAnswer,
    },
    handler: (request, reply) => {
      const path = pathIn(api, "variable", request);
      return writeEdits(api, request, reply, [{ path, value: request.body.value }]);
    },
  });

  server.delete("/environment/:name", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Remove a variable",
      description: "It leaves the files of the services that got it. One that is mapped goes with its mapping.",
      params: nameParams,
      querystring: changing,
      headers: ifMatch.loose(),
      response: writeAnswer,
    },
    handler: (request, reply) => writeEdits(api, request, reply, [{ path: pathIn(api, "variable", request) }]),
  });

  server.get("/mappings", {
    config: { right: "read", errors: readErrors },
    schema: {
      tags,
      summary: "What variables are mapped from",
      querystring: query,
      response: { 200: z.array(environmentMapping) },
    },
    handler: async (request, reply) => {
      const reader = readerOf(api, request, request.query.app);
      setEtag(reply, reader);
      return mappingsIn(reader, request.query.service);
    },
  });

  server.get("/mappings/:name", {
    config: { right: "read", errors: readErrors },
    schema: {
      tags,
      summary: "What one variable is mapped from",
      params: mappingParams,
      querystring: query,
      response: { 200: environmentMapping },
    },
    handler: async (request, reply) => {
      const reader = readerOf(api, request, request.query.app);
      setEtag(reply, reader);
      const { name } = request.params;
      const found = listMappings(presentSnapshot(reader), reader.sight).find(
        (mapping) => mapping.name === name && mapping.service === request.query.service,
      );
      if (found === undefined) throw notThere("mapping", name, request.query.service);
      return found;
    },
  });

  server.put("/mappings/:name", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Map a variable from a key, from a section, or from a text of several keys",
      description: "Takes the right to read every section that it is mapped from.",
      params: mappingParams,
      querystring: changing,
      headers: ifMatch.loose(),
      body: mappedFrom,
      response: writeAnswer,
    },
    handler: (request, reply) => {
      const path = pathIn(api, "mapping", request);
      return writeEdits(api, request, reply, [{ path, value: request.body.from }]);
    },
  });

  server.delete("/mappings/:name", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Remove a mapping",
      description: "The variables that it made leave the files of the services that got them.",
      params: mappingParams,
      querystring: changing,
      headers: ifMatch.loose(),
      response: writeAnswer,
    },
    handler: (request, reply) => writeEdits(api, request, reply, [{ path: pathIn(api, "mapping", request) }]),
  });
}

/** All that the reader may see, or those of one service. What may be seen is all of one grant, and so is what may be shown in full. */
function showAll(api: Api, reader: Reader, { service, reveal }: z.output<typeof revealing>) {
  const { sight, principal } = reader;
  const revealed = isRevealed(reader, reveal, principal.grant.sections?.[0]);
  const uses = api.services();
  return seenVariables(presentSnapshot(reader), sight)
    .filter((variable) => service === undefined || variable.service === service)
    .map((variable) => ({ variable, shown: showVariable(variable, uses, { sight, revealed }) }));
}

function mappingsIn(reader: Reader, service: string | undefined) {
  const mappings = listMappings(presentSnapshot(reader), reader.sight);
  return service === undefined ? mappings : mappings.filter((mapping) => mapping.service === service);
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
