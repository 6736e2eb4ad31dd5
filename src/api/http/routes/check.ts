/** Looking before leaping: what would be wrong, what would be done, and why a value is what it is. */
import { z } from "zod";
import { requireRight } from "../../../access/principal.ts";
import { parsePath } from "../../../config/path.ts";
import { asConfigSyncError, errorTable } from "../../../errors.ts";
import { showProblem } from "../../../sync/events.ts";
import type { Explanation } from "../../../sync/explain.ts";
import type { Finding } from "../../../sync/findings.ts";
import type { Api, Server } from "../api.ts";
import { principalOf } from "../authorize.ts";
import { readerOf } from "../reading.ts";
import { app, batch, explanation, finding, plan, problems, revisionInfo } from "../schemas.ts";
import { type Sight, seenProblem, seenRefusal, seenRevision, sightOf } from "../sight.ts";
import { editsOfBatch, readErrors, writeErrors } from "./settings.ts";

export function addCheckRoutes(server: Server, api: Api): void {
  server.post("/settings/validate", {
    config: { right: "operate", errors: readErrors },
    schema: {
      tags: ["settings"],
      summary: "What stands against these changes, or against what is there; changes nothing",
      querystring: z.strictObject(app),
      body: batch.nullish(),
      response: { 200: z.object({ ok: z.boolean(), findings: z.array(finding).readonly() }) },
    },
    handler: async (request) => {
      const reader = readerOf(api, request, request.query.app);
      const edits = editsOfBatch(request.body ?? {});
      for (const { path } of edits) requireRight(reader.principal, "read", { app: reader.app.name, section: path[0] });
      const findings = await reader.app.validate(edits);
      const ok = findings.every(({ severity }) => severity !== "error");
      return { ok, findings: findings.map((one) => seenFinding(one, reader.sight)) };
    },
  });

  server.post("/settings/reload", {
    config: { right: "operate", audit: "look", errors: readErrors },
    schema: {
      tags: ["settings"],
      summary: "Read the sources again now",
      querystring: z.strictObject(app),
      response: { 200: z.object({ revision: revisionInfo.nullable(), problems }) },
    },
    handler: async (request) => {
      const { app, sight } = readerOf(api, request, request.query.app);
      await api.lookAgain();
      const { head, problems } = app.current();
      return {
        revision: head === undefined ? null : seenRevision(head, sight),
        problems: problems.map(showProblem).map((one) => seenProblem(one, sight)),
      };
    },
  });

  server.get("/explain/:path", {
    config: { right: "read", errors: readErrors },
    schema: {
      tags: ["settings"],
      summary: "Where a value comes from, which source won, which files use it",
      description: "A path of a key, or of a section for all its keys. A segment with a dot stands in brackets.",
      params: z.object({ path: z.string().min(1).max(400) }),
      response: { 200: z.array(explanation) },
    },
    handler: async (request) => {
      const { path } = request.params;
      const principal = principalOf(request);
      requireRight(principal, "read", { app: "default", section: parsePath(path)?.[0] ?? path });
      const sight = sightOf(principal, "default", api.services);
      return (await explainTo(sight, path)).map(({ usedBy, unknown, ...explained }) => ({
        ...explained,
        usedBy: usedBy.filter(({ service }) => sight.service(service)),
        unknown: unknown.filter(sight.service),
      }));
    },
  });

  /** A hint names the nearest key, and a problem of the sources any other: they may be in sections that are not for these eyes. */
  const explainTo = async (sight: Sight, path: string): Promise<readonly Explanation[]> => {
    try {
      return await api.explain(path);
    } catch (error) {
      const told = asConfigSyncError(error);
      throw told.code === "NOT_FOUND" && !sight.whole ? told.with({ hint: undefined }) : seenRefusal(told, sight);
    }
  };

  server.post("/plan", {
    config: { right: "operate", errors: writeErrors },
    schema: {
      tags: ["services"],
      summary: "What would be done now, or if these values were set",
      description: "The hash is for `apply`, which then does exactly this.",
      body: planBody.nullish(),
      response: { 200: plan },
    },
    handler: async (request) => {
      const principal = principalOf(request);
      const sight = sightOf(principal, "default", api.services);
      const edits = editsOfBatch(request.body?.settings ?? {});
      for (const { path } of edits) requireRight(principal, "read", { app: "default", section: path[0] });
      const { hash, services } = await api.plan(edits).catch((error: unknown) => {
        throw seenRefusal(asConfigSyncError(error), sight);
      });
      return { hash, services: services.filter(({ name }) => sight.service(name)) };
    },
  });
}

const planBody = z.strictObject({ settings: batch.optional() });

/** That something stands against it concerns everybody; what, those who may see the section. */
export function seenFinding(found: Finding, sight: Sight): Finding {
  if (sight.whole || (found.key !== undefined && sight.key(found.key))) return found;
  const { severity, code } = found;
  const text = code !== undefined && code in errorTable ? errorTable[code as keyof typeof errorTable].meaning : "";
  return { severity, text: text || "something in another section", ...(code !== undefined && { code }) };
}
