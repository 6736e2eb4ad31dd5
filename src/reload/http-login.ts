import { z } from "zod";
import { ConfigSyncError } from "../errors.ts";
import type { ActionContext } from "../platform/context.ts";
import { type HttpAnswer, request, showUrl } from "../platform/http.ts";
import { url } from "../platform/http-fields.ts";

export const loginSchema = z.strictObject({
  url,
  method: z
    .string()
    .regex(/^[A-Z]+$/, "is not a method such as POST")
    .default("POST"),
  /** What the service wants to know: `{username: …, password: …}`. */
  json: z.json(),
  /** Where the token stands in the answer, with dots: `jwt`, `data.token`. */
  token: z.string().min(1, "is empty"),
  header: z.string().default("Authorization"),
  /** Before the token; "" for the token alone. */
  scheme: z.string().default("Bearer"),
});

export type Login = z.output<typeof loginSchema>;

/**
 * Fetches a token and gives the header that carries it. A refused login is not tried again: services lock the account or
 * the address after a few.
 */
export async function logIn(
  login: Login,
  { timeout, insecure_tls }: { readonly timeout: number; readonly insecure_tls: boolean },
  { signal }: ActionContext,
): Promise<Record<string, string>> {
  const answer = await request({
    ...{ method: login.method, url: login.url, timeout, signal, insecureTls: insecure_tls },
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(login.json),
  });
  if (answer.status < 200 || answer.status > 299) throw refusal(login, answer);
  const token = findToken(answer.body, login.token);
  if (token === undefined) {
    throw new ConfigSyncError("RELOAD_REFUSED", `the answer of ${showUrl(login.url)} holds no token "${login.token}"`, {
      hint: "Look up in the service's API where the token stands; an account with two-factor login gets none",
      retryable: false,
    });
  }
  return { [login.header]: login.scheme === "" ? token : `${login.scheme} ${token}` };
}

function refusal(login: Login, { status }: HttpAnswer): ConfigSyncError {
  const message = `the login at ${showUrl(login.url)} was answered with ${status}`;
  if (status < 400 || status > 499) return new ConfigSyncError("RELOAD_REFUSED", message);
  return new ConfigSyncError("RELOAD_REFUSED", message, {
    hint: "The user name or password in the configuration is not the one that the service has: set it in the service, or correct it",
    retryable: false,
  });
}

function findToken(body: string, path: string): string | undefined {
  try {
    let at: unknown = JSON.parse(body);
    for (const segment of path.split(".")) at = Object.hasOwn(Object(at), segment) ? Object(at)[segment] : undefined;
    return typeof at === "string" && /^[\x21-\x7e]+$/.test(at) ? at : undefined;
  } catch {
    return undefined;
  }
}
