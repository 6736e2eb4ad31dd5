/** The `api` part of config-sync.yaml: where the HTTP API listens, and what it takes. */
import { z } from "zod";
import { duration } from "../config/schema.ts";
import { defaultLimits, type HttpSettings } from "./http/parts.ts";

/** `127.0.0.1:7373`, `[::1]:7373`, `localhost:7373`. */
const address = z.string().transform((text, context) => {
  const [, six, host = six, digits = ""] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host !== undefined && digits !== "" && port <= 65_535) return { host, port };
  context.addIssue({ code: "custom", message: "is not an address and a port, such as 127.0.0.1:7373" });
  return z.NEVER;
});

/** As browsers write it: a path, a usual port or a capital, and it would be no page's. */
const origin = z
  .url()
  .refine(
    (text) => !/^https?:/i.test(text) || new URL(text).origin === text,
    "is not an origin, such as https://console.example.com, with nothing behind it",
  );

const path = z.string().regex(/^[^\0]+$/, "is not a path");
const positive = z.int().min(1);

export const apiSchema = z.strictObject({
  /** Where it listens; none: only the commands on this host are answered, by the control socket. */
  listen: z.array(address).prefault(["127.0.0.1:7373"]),
  /** PEM files; with them all that listens speaks TLS. */
  tls: z.strictObject({ certificate: path, key: path }).optional(),
  /** Names by which it may be called, beside those of the loopback addresses. */
  hosts: z.array(z.string()).prefault([]),
  /** The origins whose pages may call from a browser. */
  cors: z.array(origin).prefault([]),
  /** Why nothing may be changed through it; without it changes are taken. */
  read_only: z.string().min(1).optional(),
  /** The key of the configuration that holds an API key; empty for none. */
  key_from: z.string().prefault("api_key.key"),
  /** Bytes of a request's body. */
  max_body: positive.max(64 * 1024 * 1024).prefault(defaultLimits.body),
  max_connections: positive.max(65_535).prefault(defaultLimits.connections),
  /** Of one address. */
  requests_per_second: positive.prefault(defaultLimits.requestsPerSecond),
  /** How long an answer may be held for services to become healthy. */
  longest_wait: duration.prefault("10m"),
});

export type WrittenApiSettings = z.output<typeof apiSchema>;

/** With every path absolute. */
export function resolveApi(
  written: WrittenApiSettings,
  at: (path: string) => string,
): HttpSettings & { readonly keyFrom: string | undefined } {
  const { listen, tls, hosts, cors, read_only, key_from } = written;
  const files = tls === undefined ? {} : { tls: { cert: at(tls.certificate), key: at(tls.key) } };
  return {
    listen: listen.map((address) => ({ ...address, ...files })),
    hosts,
    cors,
    readOnly: read_only,
    keyFrom: key_from === "" ? undefined : key_from,
    limits: {
      ...defaultLimits,
      body: written.max_body,
      connections: written.max_connections,
      // An eighth is left for who only asks something.
      sockets: Math.ceil(written.max_connections * 0.75),
      streams: Math.ceil(written.max_connections / 8),
      requestsPerSecond: written.requests_per_second,
      longestWait: written.longest_wait,
    },
  };
}
