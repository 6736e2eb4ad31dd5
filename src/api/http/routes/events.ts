/** What happens, as it happens. */
import { z } from "zod";
import { ConfigSyncError } from "../../../errors.ts";
import type { Api, Server } from "../api.ts";
import { principalOf, stillAllowed } from "../authorize.ts";
import { streamEvents } from "../event-stream.ts";
import { sightOf } from "../sight.ts";

export function addEventRoutes(server: Server, api: Api): void {
  server.get("/events", {
    // A stream has no end, so that there is nothing to tell of it without its body.
    exposeHeadRoute: false,
    config: { right: "read" },
    schema: {
      tags: ["services"],
      summary: "What happens, as server-sent events",
      description:
        "Send the last id as `Last-Event-ID` to go on from there. An event `gap` says that events in between are no longer known: look at the status then.",
      headers: z.looseObject({ "last-event-id": z.string().max(100).optional() }),
      response: {
        200: { description: "events", content: { "text/event-stream": { schema: z.string() } } },
      },
    },
    handler: async (request, reply) => {
      const { log, settings, streams } = api;
      if (!request.local && streams.size >= settings.limits.streams)
        throw new ConfigSyncError("TOO_MANY_REQUESTS", "there are as many readers of the events as are taken", {
          retryAfter: 10,
        });
      const principal = principalOf(request);
      reply.hijack();
      const headers = reply.getHeaders() as Record<string, string>;
      reply.raw.writeHead(200, { ...headers, "content-type": "text/event-stream", "cache-control": "no-store" });
      const stream = streamEvents(reply.raw, {
        log,
        sight: sightOf(principal, "default", api.services),
        isLocal: request.local,
        after: request.headers["last-event-id"],
        mayStay: stillAllowed(request, api),
        onEnd: () => streams.delete(stream),
      });
      streams.add(stream);
    },
  });
}
