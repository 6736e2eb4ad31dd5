/** Who did what. */
import { z } from "zod";
import { everywhere, requireRight } from "../../../access/principal.ts";
import { acts } from "../../../audit/entry.ts";
import { parseMoment } from "../../../audit/query.ts";
import type { Api, Server } from "../api.ts";
import { principalOf } from "../authorize.ts";

const moment = z.string().max(40).optional();

const entry = z
  .object({
    seq: z.int(),
    at: z.int().describe("milliseconds since 1970"),
    who: z.object({ name: z.string(), kind: z.string() }),
    from: z.string().describe("an address, or where on this machine it came from"),
    what: z.enum(acts),
    target: z.string().optional().describe("the service, key or user that it was done to"),
    why: z.string().optional(),
    request: z.string().optional().describe("the id of the request: that of the problem's instance"),
    app: z.string().optional(),
    revision: z.int().optional(),
    keys: z.array(z.string()).readonly().optional(),
    moreKeys: z.int().optional().describe("how many keys there were beyond those that are named"),
    outcome: z.enum(["done", "refused", "failed"]),
    code: z.string().optional(),
  })
  .meta({ id: "AuditEntry" });

export function addAuditRoutes(server: Server, api: Api): void {
  server.get("/audit", {
    config: { right: "administer", errors: ["VALUE_INVALID", "STATE_UNUSABLE"] },
    schema: {
      tags: ["access"],
      summary: "Who did what, newest first",
      description:
        "Times are `2026-11-21`, `2026-11-21T08:30` (UTC where no zone is given), or `2h` for two hours ago.",
      querystring: z.strictObject({
        from: moment,
        to: moment,
        actor: z.string().max(200).optional().describe("the name of who did it"),
        path: z.string().max(500).optional().describe("of a key, or of a section for all its keys"),
        limit: z.coerce.number().int().min(1).max(1000).default(50),
      }),
      response: { 200: z.object({ entries: z.array(entry).readonly() }) },
    },
    handler: async (request) => {
      // It tells of every app.
      requireRight(principalOf(request), "administer", everywhere);
      const { from, to, ...query } = request.query;
      const now = Date.now();
      return {
        entries: api.audit.list({
          ...query,
          from: from === undefined ? undefined : parseMoment(from, now, "from"),
          to: to === undefined ? undefined : parseMoment(to, now, "to"),
        }),
      };
    },
  });
}
