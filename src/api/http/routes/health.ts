/** For whoever keeps the daemon running: is it there, may it be used, how is it doing. */
import { z } from "zod";
import { requireRight } from "../../../access/principal.ts";
import type { Api, Server } from "../api.ts";
import { principalOf } from "../authorize.ts";

const tags = ["health"];

export function addHealthRoutes(server: Server, api: Api): void {
  server.get("/health", {
    config: { right: "nobody" },
    schema: {
      tags,
      summary: "The process answers",
      response: { 200: z.object({ status: z.literal("ok"), apps: z.int().describe("how many there are") }) },
    },
    handler: async () => ({ status: "ok" as const, apps: api.trees.names().length }),
  });

  const readiness = z.object({ ready: z.boolean() });
  server.get("/ready", {
    config: { right: "nobody" },
    schema: {
      tags,
      summary: "There is a configuration, and its sources can be used",
      response: { 200: readiness, 503: readiness },
    },
    handler: async (_request, reply) => {
      const ready = hasConfiguration(api) && !api.stopping.aborted;
      return reply.code(ready ? 200 : 503).send({ ready });
    },
  });

  server.get("/metrics", {
    config: { right: "read" },
    schema: {
      tags,
      summary: "Figures for Prometheus",
      response: { 200: { description: "text format 0.0.4", content: { "text/plain": { schema: z.string() } } } },
    },
    handler: async (request, reply) => {
      // It names every service: a part of the sections is not enough.
      requireRight(principalOf(request), "read", { app: "default" });
      const { metrics, streams, sockets, version } = api;
      const text = metrics.write(await api.status(), { streams: streams.size, sockets: sockets.size, version });
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
    },
  });
}

/** Of the host's own, or of a server that has only trees. */
function hasConfiguration({ app, trees }: Pick<Api, "app" | "trees">): boolean {
  const host = app("default");
  if (host !== undefined) {
    const { snapshot, problems } = host.current();
    return snapshot !== undefined && problems.length === 0;
  }
  try {
    return trees.get("default")?.current() !== undefined;
  } catch {
    return false;
  }
}
