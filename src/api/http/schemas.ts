/** The shapes of requests and answers: what comes in is held to them, and the OpenAPI document is made of them. */
import { z } from "zod";
import { parseDuration } from "../../config/coerce.ts";
import { type ErrorCode, errorTable } from "../../errors.ts";

const line = z.int().min(1).optional();
const time = z.int().describe("milliseconds since 1970");

/** The fields of RFC 9457, and what an error of ours knows besides. */
export const problem = z
  .object({
    type: z.string().describe("a URN with the code"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]]),
    instance: z.string().describe("names this very answer; the daemon's log names it too"),
    key: z.string().optional(),
    file: z.string().optional(),
    line,
    column: line,
    hint: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.output<typeof problem>;

const printable = /^[^\x00-\x1f\x7f]+$/;
export const name = z.string().min(1).max(200).regex(printable, "holds control characters");
/** The store is text; numbers and booleans are taken as they are written. */
const given = z.union([z.string().max(256 * 1024), z.int(), z.boolean()]).transform(String);

/** Sections of keys; what is null goes. */
export const sectionEdits = z.record(name, given.nullable()).describe("keys to set; null removes one");
export const batch = z.record(name, sectionEdits.nullable()).describe("sections; null removes one");

export const section = z.record(z.string(), z.string());
export const sections = z.record(z.string(), section);

export const keyValue = z
  .object({
    value: z.string(),
    secret: z.boolean().describe("whether the value is only shown when it is asked for"),
    writable: z.boolean(),
    source: z.string(),
    file: z.string().optional(),
    line,
    column: line,
  })
  .meta({ id: "Value" });

export const newValue = z.strictObject({ value: given });

export const revisionInfo = z
  .object({
    number: z.int(),
    parent: z.int().nullable(),
    author: z.string(),
    at: time,
    message: z.string(),
    hash: z.string(),
  })
  .meta({ id: "Revision" });

const variablePlace = {
  service: z.string().optional().describe("the one service that it is defined for; without it, for all"),
  key: z.string().describe("what defines it, as a path for explain"),
  file: z.string().optional(),
  line,
  column: line,
};

export const environmentVariable = z
  .object({
    name: z.string(),
    value: z.string().nullable().describe("null where nothing gives what it is mapped from"),
    secret: z.boolean(),
    origin: z.enum(["independent", "mapped"]),
    from: z.string().optional().describe("what it is mapped from"),
    ...variablePlace,
    services: z
      .array(z.object({ name: z.string(), output: z.string(), dialect: z.string() }))
      .readonly()
      .describe("who gets it, in which file, written for which reader"),
  })
  .meta({ id: "EnvironmentVariable" });

export const environmentMapping = z
  .object({
    name: z.string(),
    from: z.string(),
    ...variablePlace,
    variables: z.array(z.string()).readonly().describe("the variables that it makes"),
  })
  .meta({ id: "EnvironmentMapping" });

const shownChange = z
  .object({
    key: z.string(),
    kind: z.enum(["added", "changed", "removed"]),
    before: z.string().optional(),
    after: z.string().optional(),
    place: z.string(),
  })
  .meta({ id: "Change" });
export const changes = z.array(shownChange).readonly();

const serviceState = z.enum([
  "healthy",
  "absent",
  "pending",
  "working",
  "waiting",
  "drifted",
  "refused",
  "rolled-back",
  "rolling-back",
  "unknown",
]);

export const serviceStatus = z
  .object({
    name: z.string(),
    state: serviceState,
    desired: z.int().nullable(),
    live: z.int().nullable(),
    drift: z.boolean(),
    lastReload: z.object({ at: time, took: z.number(), shown: z.string() }).readonly().nullable(),
    retryAt: z.number().nullable(),
    trouble: z.object({ code: z.string(), message: z.string(), at: time }).readonly().nullable(),
  })
  .meta({ id: "Service" });
export const services = z.array(serviceStatus).readonly();

const sourceProblem = z
  .object({
    code: z.string(),
    message: z.string(),
    file: z.string().optional(),
    line,
    column: line,
    hint: z.string().optional(),
    text: z.string(),
  })
  .meta({ id: "SourceProblem" });

export const problems = z.array(sourceProblem).readonly();

export const statusReport = z
  .object({
    daemon: z.object({ pid: z.int(), since: time, version: z.string() }).readonly().nullable(),
    revision: z.object({ number: z.int(), hash: z.string(), at: time }).readonly().nullable(),
    problems,
    services,
  })
  .meta({ id: "Status" });

/** Where the services that a change concerns stand when the answer is given. */
export const health = z
  .object({
    outcome: z
      .enum(["healthy", "rolled-back", "refused", "unfinished"])
      .describe("the worst of the services; unfinished when the time is over before all have ended"),
    services,
  })
  .meta({ id: "Health" });

export const written = z
  .object({ revision: revisionInfo, changes, health: health.optional() })
  .meta({ id: "WrittenChange" });

export const finding = z
  .object({
    severity: z.enum(["error", "warning"]),
    text: z.string(),
    code: z.string().optional(),
    key: z.string().optional(),
    file: z.string().optional(),
    line,
    column: line,
    hint: z.string().optional(),
  })
  .meta({ id: "Finding" });

const diffLine = z.object({ kind: z.enum(["hunk", "context", "removed", "added"]), text: z.string() });
const plannedOutput = z.object({
  path: z.string(),
  action: z.enum(["create", "update", "keep", "wait", "leave"]),
  diff: z.array(diffLine).readonly(),
  lacks: z.string().optional(),
});
const plannedService = z
  .object({
    name: z.string(),
    verdict: z.enum(["current", "absent", "apply", "quarantined", "rollback", "refused"]),
    why: z.string(),
    outputs: z.array(plannedOutput).readonly(),
    reload: z.string().nullable(),
    probes: z.array(z.string()).readonly(),
    error: z.string().optional(),
  })
  .meta({ id: "PlannedService" });
export const plan = z
  .object({ hash: z.string(), services: z.array(plannedService).readonly() })
  .readonly()
  .meta({ id: "Plan" });

export const explanation = z
  .object({
    key: z.string(),
    value: z.string().nullable(),
    candidates: z
      .array(z.object({ source: z.string(), place: z.string(), value: z.string() }))
      .readonly()
      .describe("the winner first"),
    usedBy: z.array(z.object({ service: z.string(), output: z.string() })).readonly(),
    unknown: z.array(z.string()).readonly().describe("services that cannot be rendered, so that nobody can say"),
  })
  .meta({ id: "Explanation" });

export const tokens = z
  .object({ access: z.string(), expiresIn: z.int().describe("seconds"), refresh: z.string() })
  .meta({ id: "Tokens" });

/** `?reveal=true`; anything else but `true` and `false` is refused. */
export const flag = z.enum(["true", "false"]).default("false");
export const app = { app: name.default("default").describe("the app; without it the host's own") };
export const ifMatch = z.object({
  "if-match": z.string().max(200).optional().describe('the revision that was looked at: "7"'),
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "is not 1 to 255 visible characters")
    .optional()
    .describe("the same key with the same request has the same answer, for a day"),
});

const patience = {
  timeout: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, "is not a duration such as 10s")
    .optional()
    .describe("how long the answer is held at most: 500ms, 30s, 2m"),
};
/** Who gives nothing but spaces gives no reason. */
export const message = z
  .string()
  .max(1000)
  .transform((text) => text.trim() || undefined)
  .optional()
  .describe("why, for the history");
export const waiting = z.strictObject(patience);
export const writing = z.strictObject({
  ...app,
  wait: z.enum(["healthy"]).optional().describe("hold the answer until the services concerned are done"),
  ...patience,
  message,
});
