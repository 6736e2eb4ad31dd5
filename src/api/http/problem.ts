/** Whatever goes wrong, as the one shape in which the API says so (RFC 9457). */
import { randomUUID } from "node:crypto";
import { asConfigSyncError, ConfigSyncError, errorTable } from "../../errors.ts";
import type { Problem } from "./schemas.ts";

export const problemType = "application/problem+json";

/** What `toProblem` may be told beside the error; the status where HTTP has a finer one than the table of codes. */
interface Over {
  readonly status?: number;
  readonly id?: string | undefined;
  readonly errors?: Problem["errors"];
}

/** Never tells of a fault of ours more than its name: the log has the rest, under the same instance. `id`: that of the request. */
export function toProblem(thrown: unknown, id?: string): Problem {
  const request = requestError(thrown);
  if (request !== undefined) return describe(request.error, { ...request, id });
  return describe(asConfigSyncError(thrown), { id });
}

export function describe(error: ConfigSyncError, { status, errors, id = randomUUID() }: Over = {}): Problem {
  const { code, message, place, key, hint } = error;
  const { status: usual, meaning } = errorTable[code];
  return {
    type: `urn:config-sync:error:${code}`,
    title: meaning,
    status: status ?? usual,
    detail: code === "INTERNAL" ? "the daemon's log says more" : message,
    code,
    instance: `urn:uuid:${id}`,
    ...(key !== undefined && { key }),
    ...(place.file !== undefined && { file: place.file }),
    ...(place.line !== undefined && { line: place.line }),
    ...(place.column !== undefined && { column: place.column }),
    ...(hint !== undefined && { hint }),
    ...(errors !== undefined && { errors }),
  };
}

/** What fastify throws of a request, and its fields that are known to be there. */
interface FrameworkError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly { readonly instancePath?: string; readonly message?: string }[];
  readonly validationContext?: string;
}

function requestError(thrown: unknown): ({ readonly error: ConfigSyncError } & Over) | undefined {
  if (thrown instanceof ConfigSyncError || !(thrown instanceof Error)) return undefined;
  const { code = "", statusCode = 500, validation, validationContext } = thrown as FrameworkError;
  if (validation !== undefined) return invalid(validation, validationContext ?? "request");
  if (statusCode < 400 || statusCode >= 500) return undefined;
  const known = texts[code];
  if (known !== undefined) return { error: known, status: statusCode };
  return { error: new ConfigSyncError("REQUEST_INVALID", "the request cannot be understood"), status: statusCode };
}

function invalid(issues: NonNullable<FrameworkError["validation"]>, context: string) {
  const part = context === "querystring" ? "query" : context;
  const errors = issues.map(({ instancePath = "", message = "is not valid" }) => {
    return { pointer: `/${part}${instancePath === "/" ? "" : instancePath}`, detail: message };
  });
  const detail = errors.map(({ pointer, detail }) => `${pointer.slice(1).replaceAll("/", ".")}: ${detail}`).join("; ");
  return { error: new ConfigSyncError("REQUEST_INVALID", detail), errors };
}

/** In our own words: those of a parser may quote the body, which may hold secrets. */
const texts: Readonly<Record<string, ConfigSyncError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: new ConfigSyncError("TOO_LARGE", "the body is larger than what is taken"),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: new ConfigSyncError("REQUEST_INVALID", "the body is of a type that is not taken", {
    hint: "Send JSON, with Content-Type: application/json",
  }),
  FST_ERR_CTP_EMPTY_JSON_BODY: new ConfigSyncError("REQUEST_INVALID", "the body is empty"),
  FST_ERR_CTP_INVALID_JSON_BODY: new ConfigSyncError(
    "REQUEST_INVALID",
    "the body is no JSON, or has the key __proto__",
  ),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: new ConfigSyncError("REQUEST_INVALID", "the body is not as long as announced"),
  FST_ERR_BAD_URL: new ConfigSyncError("REQUEST_INVALID", "the path of the URL cannot be decoded"),
  FST_ERR_MAX_PARAM_LENGTH: new ConfigSyncError("TOO_LARGE", "a part of the path is longer than what is taken"),
};
