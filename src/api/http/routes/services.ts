/** The services: how they stand, and bringing them where they should be. */
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { requireRight } from "../../../access/principal.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { ServiceStatus } from "../../../sync/status.ts";
import type { Api, Server } from "../api.ts";
import { principalOf } from "../authorize.ts";
import { readerOf } from "../reading.ts";
import { recordNow } from "../record.ts";
import {
  batch,
  health,
  message,
  name,
  revisionInfo,
  serviceStatus,
  services,
  statusReport,
  waiting,
} from "../schemas.ts";
import { type Sight, seenStatus, sightOf } from "../sight.ts";
import { standing } from "../wait-healthy.ts";
import { actOf, carryOutWork, describeEdits, requireEdits } from "../writing.ts";
import { editsOfBatch, writeErrors } from "./settings.ts";

const tags = ["services"];
const params = z.object({ name });
const workAnswer = { 200: health, 202: health };
const description = "Answers when nothing is left to do, and with 202 where the time is over before that.";

export function addServiceRoutes(server: Server, api: Api): void {
  server.get("/status", {
    config: { right: "read" },
    schema: { tags, summary: "The daemon, its revision and its services", response: { 200: statusReport } },
    handler: async (request) => seenStatus(await api.status(), sightFor(request)),
  });

  server.get("/services", {
    config: { right: "read" },
    schema: { tags, summary: "How every service stands", response: { 200: z.object({ services }) } },
    handler: async (request) => ({ services: seenStatus(await api.status(), sightFor(request)).services }),
  });

  server.get("/services/:name", {
    config: { right: "read", errors: ["NOT_FOUND"] },
    schema: { tags, summary: "How a service stands", params, response: { 200: serviceStatus } },
    handler: async (request) => findService(request.params.name, sightFor(request)),
  });

  server.post("/apply", {
    config: { right: "operate", audit: "apply", errors: ["PLAN_MOVED", ...writeErrors] },
    schema: {
      tags,
      summary: "Do what is to be done, or what was planned",
      description: `With the hash of a plan: exactly that, or nothing. Values that it was made for are given again, and set; that takes the right to write. ${description}`,
      querystring: waiting,
      body: applyBody.nullish(),
      response: { 200: applied, 202: applied },
    },
    handler: async (request, reply) => {
      // It touches every service: a part of the sections is not enough.
      const reader = readerOf(api, request, "default");
      const { principal } = reader;
      requireRight(principal, "operate", { app: "default" });
      const { hash, settings = {}, message } = request.body ?? {};
      const edits = editsOfBatch(settings);
      if (edits.length > 0 && api.settings.readOnly !== undefined)
        throw new ConfigSyncError("READ_ONLY", api.settings.readOnly);
      requireEdits(reader, edits);
      const ours = describeEdits(edits);
      const changed = await api.agree(hash, { edits, author: principal.name, message: message ?? ours });
      if (changed !== undefined) await recordNow(api, reply, actOf(changed, ours));
      const names = api.services().map(({ name }) => name);
      const health = await carryOutWork(
        api,
        { query: request.query, reply },
        () => api.apply(),
        () => standing(names, api),
      );
      return { ...health, ...(changed !== undefined && { revision: changed.revision }) };
    },
  });

  for (const verb of ["reload", "retry"] as const) {
    server.post(`/services/:name/${verb}`, {
      config: { right: "operate", audit: verb, errors: ["NOT_FOUND"] },
      schema: { tags, summary: summaries[verb], description, params, querystring: waiting, response: workAnswer },
      handler: async (request, reply) => {
        const { name } = request.params;
        await findService(name, sightFor(request));
        return carryOutWork(
          api,
          { query: request.query, reply },
          () => api[verb](name),
          () => standing([name], api),
        );
      },
    });
  }

  const sightFor = (request: FastifyRequest): Sight => sightOf(principalOf(request), "default", api.services);

  /** The same answer for a service that is not there and for one that is not for these eyes. */
  const findService = async (name: string, sight: Sight): Promise<ServiceStatus> => {
    const { services } = seenStatus(await api.status(), sight);
    const found = services.find((service) => service.name === name);
    if (found !== undefined) return found;
    const names = services.map((service) => service.name).join(", ");
    throw new ConfigSyncError("NOT_FOUND", `there is no service "${name}" here`, {
      hint: names === "" ? undefined : `There are: ${names}`,
    });
  };
}

const applyBody = z.strictObject({
  hash: z.string().max(200).optional().describe("of the plan that was agreed to"),
  settings: batch.optional().describe("the values that the plan was made for"),
  message,
});
const applied = health.extend({ revision: revisionInfo.optional() }).meta({ id: "Applied" });

const summaries = {
  reload: "Make a service load its configuration, in any case",
  retry: "Try once more what was given up",
} as const;
