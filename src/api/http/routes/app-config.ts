/** The configuration of an app: the whole tree, and what stands at a path of it. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { TreeChanged, TreeEdit } from "../../../apps/tree-app.ts";
import { valueAt } from "../../../config/json-tree.ts";
import { formatPath, type Path, parsePath } from "../../../config/path.ts";
import { ConfigSyncError } from "../../../errors.ts";
import type { Api, Server } from "../api.ts";
import { etagOf } from "../preconditions.ts";
import { seenRevision } from "../sight.ts";
import {
  presentState,
  presentValue,
  seenData,
  seenTreeChanges,
  seenValue,
  type TreeReader,
  treeReaderOf,
} from "../tree-reading.ts";
import {
  appParams,
  readQuery,
  shownTree,
  tree,
  treeWritten,
  valueAnswer,
  valueBody,
  valueParams,
  valueRemoved,
  valueWritten,
  writeHeaders,
  writeQuery,
} from "../tree-schemas.ts";
import { writeTree } from "../tree-writing.ts";
import { treeReadErrors, treeWriteErrors } from "./apps.ts";

const tags = ["apps"];
const reading = { right: "read", audit: "reveal", errors: treeReadErrors } as const;
const writing = { right: "write", audit: "change", errors: treeWriteErrors } as const;

export function addAppConfigRoutes(server: Server, api: Api): void {
  server.get("/apps/:app/config", {
    config: reading,
    schema: {
      tags,
      summary: "The configuration of an app",
      params: appParams,
      querystring: readQuery,
      response: { 200: shownTree },
    },
    handler: async (request, reply) => {
      const reader = treeReaderOf(api, request, request.params.app);
      const state = presentState(reader);
      reply.header("etag", etagOf(state.revision));
      return seenData(reader, state, request.query.reveal);
    },
  });

  const ways = [
    [
      "POST",
      true,
      "Merge values into the configuration of an app",
      "Maps are merged key by key; all else is replaced.",
    ],
    ["PUT", false, "Replace the configuration of an app", "What is not named goes, as far as it may be written."],
  ] as const;

  for (const [method, merge, summary, description] of ways) {
    server.route({
      method,
      url: "/apps/:app/config",
      config: writing,
      schema: {
        tags,
        summary,
        description,
        params: appParams,
        querystring: writeQuery,
        headers: writeHeaders,
        body: tree,
        response: { 200: treeWritten },
      },
      handler: async (request, reply) => {
        const reader = treeReaderOf(api, request, request.params.app);
        const edits: TreeEdit[] = [{ path: [], value: request.body, merge }];
        const changed = await writeTree(api, reader, reply, { edits, ...request.query });
        return { ...shownChange(reader, changed), data: seenData(reader, changed) };
      },
    });
  }

  // What a client sees as one route: a path with dots, or one with slashes.
  addValueRoutes(server, api, { url: "/apps/:app/config/:path", hide: false });
  addValueRoutes(server, api, { url: "/apps/:app/config/*", hide: true });
}

function addValueRoutes(
  server: Server,
  api: Api,
  { url, hide }: { readonly url: string; readonly hide: boolean },
): void {
  const shared = { tags, hide, params: valueParams };

  server.get(url, {
    config: reading,
    schema: { ...shared, summary: "A value", querystring: readQuery, response: { 200: valueAnswer } },
    handler: async (request, reply) => {
      const path = pathOf(request.raw.url);
      const reader = treeReaderOf(api, request, request.params.app);
      const value = presentValue(reader, path);
      const state = presentState(reader);
      reply.header("etag", etagOf(state.revision));
      return { path: formatPath(path), value: seenValue(reader, state, path, { value, reveal: request.query.reveal }) };
    },
  });

  const ways = [
    ["POST", true, "Set a value; a map is merged into what is there"],
    ["PUT", false, "Set a value"],
  ] as const;

  for (const [method, merge, summary] of ways) {
    server.route({
      method,
      url,
      config: writing,
      schema: {
        ...shared,
        summary,
        description: "Maps on the way to it are made.",
        querystring: writeQuery,
        headers: writeHeaders,
        body: valueBody,
        response: { 200: valueWritten },
      },
      handler: (request, reply) => changeValue(request, reply, { value: request.body.value, merge }),
    });
  }

  server.delete(url, {
    config: writing,
    schema: {
      ...shared,
      summary: "Remove a value, or a map with all that is in it",
      querystring: writeQuery,
      headers: writeHeaders,
      response: { 200: valueRemoved },
    },
    handler: (request, reply) => changeValue(request, reply, {}),
  });

  const changeValue = async (request: ValueRequest, reply: FastifyReply, edit: Omit<TreeEdit, "path">) => {
    const path = pathOf(request.raw.url);
    const reader = treeReaderOf(api, request, request.params.app);
    const changed = await writeTree(api, reader, reply, { edits: [{ path, ...edit }], ...request.query });
    // Of this revision, and not of one that came while this was put on record.
    const value = valueAt(changed.data, path);
    return {
      ...shownChange(reader, changed),
      path: formatPath(path),
      ...(value !== undefined && { value: seenValue(reader, changed, path, { value }) }),
    };
  };
}

type ValueRequest = Pick<FastifyRequest, "raw" | "principal"> & {
  readonly params: z.output<typeof valueParams>;
  readonly query: z.output<typeof writeQuery>;
};

/** What every write answers. */
function shownChange(reader: TreeReader, changed: TreeChanged) {
  return {
    revision: seenRevision(changed.revision, reader.sight),
    changes: seenTreeChanges(reader, changed, changed.changes),
  };
}

/** Segments of `/api/apps/{app}/config/`. */
const before = 5;

/**
 * From the URL as it came, since `%2F` is a part of a key and `/` stands between two. Throws REQUEST_INVALID. One segment is a path as
 * people write it (`server.port`, `[log.console].level`); of several each is a key, dots and all.
 */
function pathOf(url = ""): Path {
  const [written = ""] = url.replace(/^https?:\/\/[^/]*/, "").split(/[?#]/);
  const segments = written.split("/").slice(before).map(decodeURIComponent);
  const [only = ""] = segments;
  const path = segments.length > 1 ? segments : parsePath(only);
  if (path !== undefined) return path;
  throw new ConfigSyncError("REQUEST_INVALID", "the path of the URL names no value", {
    hint: "Write it as server.port or server/port; a key with a dot in brackets, or with slashes around it",
  });
}
