/** The shapes of requests and answers about apps. */
import { z } from "zod";
import { appName } from "../../apps/tree-app.ts";
import type { Json, JsonTree } from "../../config/json.ts";
import { deepest, isDeeperThan } from "../../config/json-tree.ts";
import { flag, ifMatch, message, revisionInfo } from "./schemas.ts";

const tooDeep = `is nested deeper than ${deepest} levels`;
const isShallow = (value: unknown): boolean => !isDeeperThan(deepest, value);

export const appParam = z.string().regex(appName, "is not the name of an app: 1 to 64 letters, digits, - and _");
export const appParams = z.object({ app: appParam });
export const valueParams = z.object({
  app: appParam,
  path: z.string().optional().describe("`server.port` or `server/port`; with slashes a key may hold dots"),
});

const values = z.record(z.string(), z.unknown());
/** A whole configuration, or a schema. */
export const tree = values
  .refine(isShallow, tooDeep)
  .transform((value) => value as JsonTree)
  .meta({ id: "Tree" });
export const shownTree = values.describe("secrets stand as [secret]");
export const valueBody = z.strictObject({
  value: z
    .unknown()
    .refine((value) => value !== undefined, "is missing")
    .refine(isShallow, tooDeep)
    .transform((value) => value as Json),
});

export const readQuery = z.strictObject({ reveal: flag.describe("show secrets; needs the right to administer") });
export const writeQuery = z.strictObject({ message });
export const writeHeaders = ifMatch.loose();

const treeChange = z
  .object({
    path: z.string(),
    kind: z.enum(["added", "changed", "removed"]),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .meta({ id: "TreeChange" });
export const treeChanges = z.array(treeChange);

export const appList = z.object({ apps: z.array(z.string()) });
export const appMade = z.object({ app: z.string(), revision: revisionInfo }).meta({ id: "App" });
export const treeWritten = z
  .object({ revision: revisionInfo, data: shownTree, changes: treeChanges })
  .meta({ id: "WrittenTree" });
export const valueAnswer = z.object({ path: z.string(), value: z.unknown() }).meta({ id: "TreeValue" });
export const valueWritten = z
  .object({ revision: revisionInfo, path: z.string(), value: z.unknown().optional(), changes: treeChanges })
  .meta({ id: "WrittenTreeValue" });
export const valueRemoved = z
  .object({ revision: revisionInfo, path: z.string(), changes: treeChanges })
  .meta({ id: "RemovedTreeValue" });

/** Of the versioned shape. */
export const version = z.coerce.number().int().min(1).max(1e9);
export const versionInfo = z.object({
  version: z.int(),
  author: z.string(),
  at: z.int().describe("milliseconds since 1970"),
  message: z.string(),
});
export const config = versionInfo
  .extend({ name: z.string(), data: shownTree, schema: values.nullable().describe("null: it has none") })
  .meta({ id: "Config" });
export const newConfig = z.strictObject({ name: appParam, data: tree.optional(), schema: tree.optional(), message });
export const nextConfig = z.strictObject({
  data: tree,
  schema: tree.nullable().optional().describe("null takes it away; without it the schema stays"),
  message,
});
