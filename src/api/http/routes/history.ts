/** What was, what was different, and the way back to it. */
import { z } from "zod";
import { requireRight } from "../../../access/principal.ts";
import { diffSnapshots } from "../../../config/diff.ts";
import { readEnvironmentSection } from "../../../config/environment-section.ts";
import { parsePath } from "../../../config/path.ts";
import { reveal } from "../../../config/secret.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { Revision } from "../../../history/history.ts";
import { showChange } from "../../../sync/events.ts";
import type { Api, Server } from "../api.ts";
import { requireMapped } from "../mapped-rights.ts";
import { isRevealed, type Reader, readerOf } from "../reading.ts";
import { app, changes, flag, ifMatch, name, revisionInfo, sections, writing, written } from "../schemas.ts";
import { shownSection, viewOf } from "../settings-view.ts";
import { seenRevision } from "../sight.ts";
import { type Asked, carryOut } from "../writing.ts";
import { readErrors, writeErrors } from "./settings.ts";

const tags = ["history"];
const number = z.coerce.number().int().min(1).max(1e9);
const errors = [...readErrors, "PARSE_FAILED", "HISTORY_UNUSABLE"] as const;

const revisionAnswer = revisionInfo
  .extend({
    settings: sections,
    documents: z
      .array(z.object({ name: z.string(), text: z.string() }))
      .optional()
      .describe("byte for byte; only with reveal=true"),
  })
  .meta({ id: "RevisionWithSettings" });

export function addHistoryRoutes(server: Server, api: Api): void {
  server.get("/settings/history", {
    config: { right: "read", errors },
    schema: {
      tags,
      summary: "The revisions, newest first",
      querystring: z.strictObject({
        ...app,
        limit: z.coerce.number().int().min(1).max(1000).default(50),
        before: number.optional().describe("only those with a smaller number"),
      }),
      response: { 200: z.object({ revisions: z.array(revisionInfo) }) },
    },
    handler: async (request) => {
      const { app, limit, before } = request.query;
      const reader = readerOf(api, request, app);
      const revisions = await reader.app.revisions({ limit, ...(before !== undefined && { before }) });
      return { revisions: revisions.map((revision) => seenRevision(revision, reader.sight)) };
    },
  });

  server.get("/settings/history/:revision", {
    config: { right: "read", audit: "reveal", errors },
    schema: {
      tags,
      summary: "A revision with its values",
      params: z.object({ revision: number }),
      querystring: z.strictObject({ ...app, reveal: flag.describe("show secrets and the documents themselves") }),
      response: { 200: revisionAnswer },
    },
    handler: async (request) => {
      const reader = readerOf(api, request, request.query.app);
      const revealed = isRevealed(reader, request.query.reveal);
      const revision = await requireRevision(reader, request.params.revision);
      const view = [...viewOf(await reader.app.read(revision))].filter(([section]) => reader.sight.section(section));
      const settings = Object.fromEntries(view.map(([section, keys]) => [section, shownSection(keys, revealed)]));
      const documents = revision.documents.map(({ name, bytes }) => ({ name, text: Buffer.from(bytes).toString() }));
      return { ...seenRevision(revision, reader.sight), settings, ...(revealed && { documents }) };
    },
  });

  server.get("/settings/diff", {
    config: { right: "read", errors },
    schema: {
      tags,
      summary: "What is different between two revisions",
      querystring: z.strictObject({ ...app, from: number, to: number }),
      response: { 200: z.object({ from: z.int(), to: z.int(), changes }) },
    },
    handler: async (request) => {
      const { from, to, app } = request.query;
      const reader = readerOf(api, request, app);
      const revisions = await Promise.all([from, to].map((number) => requireRevision(reader, number)));
      const [before, after] = await Promise.all(revisions.map(reader.app.read));
      if (after === undefined) throw new Error("two revisions were asked for");
      const found = diffSnapshots(before, after).map(showChange);
      return { from, to, changes: found.filter(({ key }) => reader.sight.key(key)) };
    },
  });

  server.post("/settings/rollback", {
    config: { right: "write", audit: "rollback", errors: writeErrors },
    schema: {
      tags,
      summary: "Go back to a revision, or bring one section back: a new revision",
      querystring: writing,
      headers: ifMatch.loose(),
      body: z.strictObject({ to: z.int().min(1), section: name.optional() }),
      response: { 200: written, 202: written },
    },
    handler: async (request, reply) => {
      const { to, section } = request.body;
      const reader = readerOf(api, request, request.query.app);
      await requireReach(reader, to, section);
      const why = `roll back ${section === undefined ? "" : `[${section}] `}to revision ${to}`;
      const work: Asked["work"] = (signature) => reader.app.rollBack({ ...signature, to, section });
      return carryOut(api, { reader, request, reply, why, work });
    },
  });
}

/** Going back writes what was different then, with the rights that a change of each key asks for. */
async function requireReach(reader: Reader, to: number, section: string | undefined): Promise<void> {
  const { app, principal } = reader;
  requireRight(principal, "write", { app: app.name, section });
  if (section !== undefined && readEnvironmentSection(section)?.kind !== "mapping") return;
  const then = await app.read(await requireRevision(reader, to));
  for (const { key, after } of diffSnapshots(app.current().snapshot, then)) {
    const path = parsePath(key) ?? [];
    if (section !== undefined && path[0] !== section) continue;
    requireRight(principal, "write", { app: app.name, section: path[0] });
    requireMapped(principal, app, { path, value: after && reveal(after.value) });
  }
}

async function requireRevision({ app }: Reader, number: number): Promise<Revision> {
  const revision = await app.revision(number);
  if (revision !== undefined) return revision;
  throw new ConfigSyncError("NOT_FOUND", `there is no revision ${number}`);
}
