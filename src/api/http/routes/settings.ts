/** Reading and changing values. */
import { z } from "zod";
import type { Edit } from "../../../apps/change.ts";
import { Secret } from "../../../config/secret.ts";
import type { Api, Server } from "../api.ts";
import { etagOf } from "../preconditions.ts";
import { isRevealed, presentEntry, presentSection, presentView, type Reader, readerOf } from "../reading.ts";
import {
  app,
  batch,
  flag,
  ifMatch,
  keyValue,
  name,
  newValue,
  section,
  sectionEdits,
  sections,
  writing,
  written,
} from "../schemas.ts";
import { sectionText, shownSection, shownValue } from "../settings-view.ts";
import { writeEdits } from "../writing.ts";

const tags = ["settings"];
const readQuery = z.strictObject({ ...app, reveal: flag.describe("show secrets; needs the right to administer") });
const writeAnswer = { 200: written, 202: written };
const sectionParams = z.object({ section: name });
const keyParams = z.object({ section: name, key: name });

export function addSettingsRoutes(server: Server, api: Api): void {
  server.get("/settings", {
    config: { right: "read", audit: "reveal", errors: readErrors },
    schema: { tags, summary: "All values", querystring: readQuery, response: { 200: sections } },
    handler: async (request, reply) => {
      const reader = readerOf(api, request, request.query.app);
      setEtag(reply, reader);
      const shown = [...presentView(reader)].filter(([name]) => reader.sight.section(name));
      return Object.fromEntries(
        shown.map(([name, keys]) => [name, shownSection(keys, isRevealed(reader, request.query.reveal, name))]),
      );
    },
  });

  server.put("/settings", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Change values of several sections: one revision",
      description: "Keys that are not named stay as they are.",
      querystring: writing,
      headers: ifMatch.loose(),
      body: batch,
      response: writeAnswer,
    },
    handler: (request, reply) => writeEdits(api, request, reply, editsOfBatch(request.body)),
  });

  server.get("/settings/:section", {
    config: { right: "read", audit: "reveal", errors: readErrors, repeats: true },
    schema: {
      tags,
      summary: "The values of a section",
      description: "Sections named `history` and `diff` are read with all values: these words are routes of their own.",
      params: sectionParams,
      querystring: readQuery,
      response: { 200: section },
    },
    // The one that is asked for again and again: with nothing to wait for, it does without a promise.
    handler: (request, reply) => {
      const reader = readerOf(api, request, request.query.app);
      const keys = presentSection(reader, request.params.section);
      setEtag(reply, reader);
      const revealed = isRevealed(reader, request.query.reveal, request.params.section);
      if (!revealed) request.isStillTrue = sameMoment(reader);
      // Text that is JSON already; the type of `send` only knows what it would be made of.
      const text = revealed ? JSON.stringify(shownSection(keys, true)) : sectionText(keys);
      reply.type("application/json; charset=utf-8").send(text as never);
    },
  });

  server.put("/settings/:section", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Change values of a section",
      description: "Keys that are not named stay as they are.",
      params: sectionParams,
      querystring: writing,
      headers: ifMatch.loose(),
      body: sectionEdits,
      response: writeAnswer,
    },
    handler: (request, reply) => writeEdits(api, request, reply, editsOf([request.params.section, request.body])),
  });

  server.delete("/settings/:section", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Remove a section",
      params: sectionParams,
      querystring: writing,
      headers: ifMatch.loose(),
      response: writeAnswer,
    },
    handler: async (request, reply) => {
      const { section } = request.params;
      presentSection(readerOf(api, request, request.query.app), section);
      return writeEdits(api, request, reply, [{ path: [section] }]);
    },
  });

  server.get("/settings/:section/:key", {
    config: { right: "read", audit: "reveal", errors: readErrors },
    schema: {
      tags,
      summary: "A value, and where it comes from",
      params: keyParams,
      querystring: readQuery,
      response: { 200: keyValue },
    },
    handler: async (request, reply) => {
      const { section, key } = request.params;
      const reader = readerOf(api, request, request.query.app);
      const entry = presentEntry(reader, section, key);
      const { source, file, line, column } = entry.origin;
      setEtag(reply, reader);
      return {
        value: shownValue(entry, isRevealed(reader, request.query.reveal, section)),
        secret: entry.value instanceof Secret,
        writable: reader.app.isWritable(entry.path),
        source,
        file,
        line,
        column,
      };
    },
  });

  server.put("/settings/:section/:key", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Change a value",
      params: keyParams,
      querystring: writing,
      headers: ifMatch.loose(),
      body: newValue,
      response: writeAnswer,
    },
    handler: (request, reply) => {
      const { section, key } = request.params;
      return writeEdits(api, request, reply, [{ path: [section, key], value: request.body.value }]);
    },
  });

  server.delete("/settings/:section/:key", {
    config: { right: "write", audit: "change", errors: writeErrors },
    schema: {
      tags,
      summary: "Remove a value",
      params: keyParams,
      querystring: writing,
      headers: ifMatch.loose(),
      response: writeAnswer,
    },
    handler: async (request, reply) => {
      const { section, key } = request.params;
      presentEntry(readerOf(api, request, request.query.app), section, key);
      return writeEdits(api, request, reply, [{ path: [section, key] }]);
    },
  });
}

export const readErrors = ["NOT_FOUND", "SOURCE_INVALID", "SOURCE_MISSING", "KEY_UNUSABLE"] as const;
/** What the door may say. */
export const writeErrors = [
  ...readErrors,
  "SOURCE_UNSTABLE",
  "READ_ONLY",
  "REVISION_MOVED",
  "VALUE_INVALID",
  "VALUE_MISSING",
  "TEMPLATE_INVALID",
  "UNREPRESENTABLE",
  "PARSE_FAILED",
  "WRITE_FAILED",
  "HISTORY_UNUSABLE",
] as const;

export function setEtag(reply: { header: (name: string, value: string) => unknown }, { app }: Reader): void {
  const { head } = app.current();
  if (head !== undefined) reply.header("etag", etagOf(head));
}

/** Whether everything is as it is now. */
function sameMoment({ app }: Reader): () => boolean {
  const { snapshot, head } = app.current();
  return () => {
    const now = app.current();
    return now.snapshot === snapshot && now.head === head;
  };
}

export function editsOfBatch(body: z.output<typeof batch>): Edit[] {
  return Object.entries(body).flatMap(editsOf);
}

function editsOf([section, keys]: readonly [string, z.output<typeof sectionEdits> | null]): Edit[] {
  if (keys === null) return [{ path: [section] }];
  return Object.entries(keys).map(([key, value]) => ({ path: [section, key], value: value ?? undefined }));
}
