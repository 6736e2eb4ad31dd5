/** An app as a WebSocket: what it says now, and every change from then on. */
import type { FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { z } from "zod";
import { ConfigSyncError } from "../../../errors.ts";
import { tellAnswer } from "../answer-log.ts";
import type { Api, Server } from "../api.ts";
import { addressOf, principalOf, stillAllowed } from "../authorize.ts";
import { describe, problemType } from "../problem.ts";
import { problem } from "../schemas.ts";
import { treeReaderOf } from "../tree-reading.ts";
import { appParams } from "../tree-schemas.ts";
import { createBeat } from "../ws-beat.ts";
import { closings } from "../ws-closings.ts";
import { createFeeds, type Place } from "../ws-feeds.ts";
import { requireKnownOrigin } from "../ws-origin.ts";
import { createReader } from "../ws-reader.ts";
import { isUpgrade, loadAccept } from "../ws-upgrade.ts";
import { treeReadErrors } from "./apps.ts";

const url = "/ws/:app";

export function addSocketRoutes(server: Server, api: Api): void {
  const { sockets, settings, stopping } = api;
  const feeds = createFeeds();
  const beat = createBeat(settings.limits.beat);
  stopping.addEventListener("abort", () => {
    for (const reader of sockets) reader.close(closings.ending);
  });

  // Apart from the handler: it lives as long as the socket, and must not keep the request for so long.
  const attend = (socket: WebSocket, place: Place, mayStay: () => Promise<boolean>): void => {
    const reader = createReader(socket);
    sockets.add(reader);
    const leave = place.take(reader);
    const stop = beat.add({ reader, mayStay });
    socket.once("close", () => {
      sockets.delete(reader);
      leave();
      stop();
    });
    if (stopping.aborted) reader.close(closings.ending);
  };

  server.get(url, {
    exposeHeadRoute: false,
    config: { right: "read", errors: treeReadErrors },
    schema: {
      tags: ["apps"],
      summary: "An app and its changes, as a WebSocket",
      description,
      params: appParams,
      response: {
        101: z.undefined().describe("a WebSocket from here on"),
        426: { description: "REQUEST_INVALID", content: { [problemType]: { schema: problem } } },
      },
    },
    handler: async (request, reply) => {
      const { raw, params } = request;
      requireKnownOrigin(raw.headers, settings.cors);
      const who = treeReaderOf(api, request, params.app);
      if (!isUpgrade(raw)) {
        const error = new ConfigSyncError("REQUEST_INVALID", "this address speaks WebSocket, version 13");
        reply.headers({ upgrade: "websocket", "sec-websocket-version": "13" });
        return reply
          .code(426)
          .type(problemType)
          .send(describe(error, { status: 426, id: request.id }));
      }
      const accept = await loadAccept();
      // From here on in one go: what is reserved is what is sent, and nobody takes the last place twice.
      requirePlace(api);
      const place = feeds.reserve(who);
      const mayStay = stillAllowed(request, api);
      reply.hijack();
      accept(raw, (socket) => {
        attend(socket, place, mayStay);
        noteOpening(api, request, reply.elapsedTime);
      });
    },
  });
}

function requirePlace({ sockets, settings: { limits } }: Api): void {
  if (sockets.size < limits.sockets) return;
  const message = "there are as many readers of apps as are taken";
  throw new ConfigSyncError("TOO_MANY_REQUESTS", message, { retryAfter: 10 });
}

/** An answer that is never finished is told of when it begins. */
function noteOpening(api: Api, request: FastifyRequest, took: number): void {
  const [who, address] = [principalOf(request).name, addressOf(request)];
  tellAnswer(api, { type: "answered", method: "GET", route: url, status: 101, took, who, address });
}

const description = `The first message is \`{"type":"config","data":…}\`. On every change follows \`{"type":"update","data":…,"changes":[{"path":…,"kind":"added" | "changed" | "removed","before":…,"after":…}]}\`; who is behind gets several as one. Secrets are masked, and what is not for these eyes is left out.

Programs show their key as everywhere. A browser cannot: it offers the sub-protocols \`config-sync\` and \`bearer.\` with a token or key behind it, and may come from this server's own pages and the origins of \`api.cors\`.

Nothing is taken: any message closes the socket with 1003. It is closed with 1001 when the server ends, 4401 when the key or token is no longer good, 4404 when the app is removed, 4408 when what was sent is not taken for half a minute.`;
