import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { duration } from "../config/schema.ts";
import { redactor } from "../config/secret.ts";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { describeKind } from "../platform/confine.ts";
import type { ActionContext } from "../platform/context.ts";
import { type HttpAnswer, request, showUrl } from "../platform/http.ts";
import { flag, headers, statuses, url } from "../platform/http-fields.ts";
import { redacted } from "../platform/redacted.ts";
import { logIn, loginSchema } from "./http-login.ts";
import type { Reload } from "./reload.ts";

const schema = z
  .strictObject({
    url,
    method: z
      .string()
      .regex(/^[A-Z]+$/, "is not a method such as POST")
      .default("POST"),
    headers: headers.default({}),
    /** At most one of these three. */
    body: z.string().optional(),
    json: z.json().optional(),
    /** A file to send, read when it is sent: an output of the service, say. Without it nothing is asked. */
    body_file: z.string().refine(path.isAbsolute, "is not an absolute path").optional(),
    /** Default: any 2xx. */
    expect: statuses.optional(),
    timeout: duration.prefault("10s"),
    insecure_tls: flag.default(false),
    login: loginSchema.optional(),
  })
  .refine(({ body, json, body_file }) => [body, json, body_file].filter((one) => one !== undefined).length <= 1, {
    error: "has more than one of body, json and body_file",
  });

type Spec = z.output<typeof schema>;

/** Tells a service over its own API: `PUT /api/settings`, with a login before it where the API wants one. */
export const http: Reload<Spec> = {
  kind: "http",
  schema,
  describe: ({ method, url }) => `${method} ${showUrl(url)}`,
  run: (spec, context) =>
    redacted(context.redact, async () => {
      const body = await bodyOf(spec);
      // A rollback to before the first file has nothing to send, and so nothing to take back that the service would know.
      if (body === "gone") return;
      const { content, type } = body;
      const authorization = spec.login === undefined ? {} : await logIn(spec.login, spec, context);
      const answer = await request({
        ...{ method: spec.method, url: spec.url, body: content },
        headers: { ...(type !== undefined && { "Content-Type": type }), ...spec.headers, ...authorization },
        ...{ timeout: spec.timeout, insecureTls: spec.insecure_tls, signal: context.signal },
      });
      if (!accepts(spec, answer)) throw refusal(spec, answer, Object.values(authorization), context);
    }),
};

async function bodyOf({ body, json, body_file }: Spec): Promise<"gone" | { content?: string | Buffer; type?: string }> {
  if (body !== undefined) return { content: body };
  if (json !== undefined) return { content: JSON.stringify(json), type: "application/json" };
  if (body_file === undefined) return {};
  const type = path.extname(body_file) === ".json" ? "application/json" : "application/octet-stream";
  const content = await readLimited(body_file);
  return content === undefined ? "gone" : { content, type };
}

const fileLimit = 4 * 1024 * 1024;

/** Undefined where there is no such file. */
async function readLimited(file: string): Promise<Buffer | undefined> {
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw new ConfigSyncError("VALUE_INVALID", `the body_file ${file} is ${describeKind(stats)}`);
    if (stats.size <= fileLimit) return await readFile(file);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (error instanceof ConfigSyncError) throw error;
    throw new ConfigSyncError("UNREACHABLE", `the body_file ${file} cannot be read`, { cause: error });
  }
  throw new ConfigSyncError("VALUE_INVALID", `the body_file ${file} is larger than 4 MiB`);
}

function accepts({ expect }: Spec, { status }: HttpAnswer): boolean {
  return expect === undefined ? status >= 200 && status <= 299 : expect.includes(status);
}

/** The token of a login is no secret of the configuration, so nobody else would blot it out of the answer. */
function refusal(
  spec: Spec,
  { status, body }: HttpAnswer,
  authorization: readonly string[],
  { redact }: ActionContext,
) {
  const tokens = redactor(authorization.flatMap((header) => header.split(" ")));
  const said = tokens(redact(body)).trim().slice(0, 500);
  const wanted = spec.expect === undefined ? "2xx" : spec.expect.join(" or ");
  const message = `${spec.method} ${showUrl(spec.url)} was answered with ${status} instead of ${wanted}`;
  const hint =
    status === 401 || status === 403
      ? "The credentials in the configuration are not the service's"
      : status >= 300 && status <= 399
        ? "Redirects are not followed: write the address that it leads to"
        : undefined;
  return new ConfigSyncError("RELOAD_REFUSED", said === "" ? message : `${message}: ${said}`, {
    hint,
    // A wrong password does not become right, and trying it again and again locks accounts.
    ...((status === 401 || status === 403) && { retryable: false }),
  });
}
