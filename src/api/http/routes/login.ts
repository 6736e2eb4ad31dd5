/** Users: from a password to a token that is over soon, and on from there. */
import { z } from "zod";
import type { Api, Server } from "../api.ts";
import { addressOf } from "../authorize.ts";
import { tokens } from "../schemas.ts";

const tags = ["access"];
const errors = ["UNAUTHENTICATED"] as const;
const refreshBody = z.strictObject({ refresh: z.string().min(1).max(4096) });

export function addLoginRoutes(server: Server, { access }: Api): void {
  server.post("/login", {
    config: { right: "nobody", audit: "login", errors },
    schema: {
      tags,
      summary: "Tokens for a user and a password",
      // scrypt and its kin take as long as the password is long.
      body: z.strictObject({ user: z.string().min(1).max(200), password: z.string().min(1).max(1024) }),
      response: { 200: tokens },
    },
    handler: (request) => access.login({ ...request.body, address: addressOf(request) }),
  });

  server.post("/refresh", {
    config: { right: "nobody", errors, endsLogins: true },
    schema: { tags, summary: "New tokens for a refresh token", body: refreshBody, response: { 200: tokens } },
    handler: (request) => access.refresh(request.body.refresh, addressOf(request)),
  });

  server.post("/logout", {
    config: { right: "nobody", errors, endsLogins: true },
    schema: {
      tags,
      summary: "Ends all tokens of a login",
      body: refreshBody,
      response: { 204: z.undefined().describe("logged out") },
    },
    handler: async (request, reply) => {
      await access.logout(request.body.refresh);
      return reply.code(204).send();
    },
  });
}
