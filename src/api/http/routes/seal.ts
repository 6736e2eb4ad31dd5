/** Sealing secrets where they stand in the files. */
import { z } from "zod";
import { requireRight } from "../../../access/principal.ts";
import type { Api, Server } from "../api.ts";
import { expectedRevision } from "../preconditions.ts";
import { readerOf } from "../reading.ts";
import { recordNow } from "../record.ts";
import { ifMatch, revisionInfo, writing } from "../schemas.ts";
import { seenRevision } from "../sight.ts";
import { writeErrors } from "./settings.ts";

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
      headers: ifMatch.loose(),
      body: z.strictObject({ which: z.enum(["clear", "old", "aes256"]) }),
      response: { 200: z.object({ revision: revisionInfo, keys: z.array(z.string()) }) },
    },
    handler: async (request, reply) => {
      const { app, principal, sight } = readerOf(api, request, request.query.app);
      requireRight(principal, "administer", { app: app.name });
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
}

const reasons = {
  clear: "encrypt secrets that stood in clear",
  old: "encrypt secrets with the new key",
  aes256: "encrypt anew what Websoft9 had encrypted",
} as const;
