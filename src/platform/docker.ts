import type { IncomingMessage } from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import type Dockerode from "dockerode";
import type { Redact } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import { orAborted } from "./deadline.ts";
import { explainDocker, statusOf } from "./docker-errors.ts";
import { type ContainerEvent, openEvents } from "./docker-events.ts";
import { runInContainer } from "./docker-exec.ts";
import { type DockerOptions, findDocker } from "./docker-host.ts";
import { type ContainerState, readContainer } from "./docker-state.ts";
import { http } from "./node-http.ts";

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and error in order of arrival, cut at 64 KiB. */
  readonly output: string;
}

/** The part of the Docker Engine API that we use. Every call ends by its signal. */
export interface Docker {
  readonly inspect: (container: string, signal: AbortSignal) => Promise<ContainerState>;
  /** `timeoutSeconds` is the time that the container gets between SIGTERM and SIGKILL. */
  readonly restart: (container: string, timeoutSeconds: number, signal: AbortSignal) => Promise<void>;
  readonly start: (container: string, signal: AbortSignal) => Promise<void>;
  readonly stop: (container: string, timeoutSeconds: number, signal: AbortSignal) => Promise<void>;
  /** See `signalContainer` for what this does to the container's restart policy. */
  readonly kill: (container: string, signalName: string, signal: AbortSignal) => Promise<void>;
  readonly exec: (
    container: string,
    argv: readonly string[],
    signal: AbortSignal,
    options?: ExecOptions,
  ) => Promise<ExecResult>;
  /**
   * What happens to containers from now on, for as long as the connection lasts. Resolves when it stands; `signal` ends it
   * also later. The iteration ends or throws with the connection.
   */
  readonly events: (signal: AbortSignal) => Promise<AsyncIterable<ContainerEvent>>;
  /** `{ apiVersion: "1.41" }`, the version that was agreed on. */
  readonly ping: (signal: AbortSignal) => Promise<{ readonly apiVersion: string }>;
}

export interface ExecOptions {
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  /** For the output. It belongs here because a secret that was cut in two at 64 KiB could not be blotted out later. */
  readonly redact?: Redact | undefined;
}

/** The newest API that this adapter was tested with. An older server is met on its own version. */
const newestTested = "1.47";

/**
 * A connection to the Docker Engine. Nothing is sent before the first call.
 *
 * Errors: no daemon, no right, no container of that name: UNREACHABLE. The daemon said no (409, 500): RELOAD_REFUSED with
 * its own message, which is foreign text and to be redacted by the caller. Ended by the signal: TIMED_OUT.
 */
export async function createDocker(options: DockerOptions = {}): Promise<Docker> {
  const host = await findDocker(options);
  const Client = await loadClient();
  const open = (version?: string) => new Client({ ...host.connection, ...(version && { version: `v${version}` }) });
  let agreed: { readonly client: Dockerode; readonly apiVersion: string } | undefined;

  const agree = async (signal: AbortSignal) => {
    const apiVersion = olderVersion(await askVersion(open(), host.name, signal), newestTested);
    return { client: open(apiVersion), apiVersion };
  };

  type Work<T> = (client: Dockerode, apiVersion: string) => Promise<T>;
  const call = async <T>(work: Work<T>, signal: AbortSignal, container?: string): Promise<T> => {
    try {
      agreed ??= await agree(signal);
      return await orAborted(signal, work(agreed.client, agreed.apiVersion));
    } catch (error) {
      // Behind a failed connection, and behind a 400 ("client version is too old"), there may be another daemon next time.
      if (statusOf(error) === undefined || statusOf(error) === 400) agreed = undefined;
      throw explainDocker(error, { host: host.name, signal, container });
    }
  };

  return {
    ping: (signal) => {
      agreed = undefined;
      return call(async (_client, apiVersion) => ({ apiVersion }), signal);
    },
    inspect: (name, signal) => call(async (client) => stateOf(client, name, signal), signal, name),
    restart: (name, timeoutSeconds, signal) =>
      call((client) => find(client, name).restart({ t: timeoutSeconds, abortSignal: signal }), signal, name),
    stop: (name, timeoutSeconds, signal) =>
      call((client) => unlessDone(find(client, name).stop({ t: timeoutSeconds, abortSignal: signal })), signal, name),
    start: (name, signal) =>
      call((client) => unlessDone(find(client, name).start({ abortSignal: signal })), signal, name),
    kill: (name, signalName, signal) =>
      call((client) => find(client, name).kill({ signal: signalName, abortSignal: signal }), signal, name),
    exec: (name, argv, signal, exec) =>
      call((client) => runInContainer(find(client, name), argv, signal, exec), signal, name),
    events: (signal) => call((client) => openEvents(client, signal), signal),
  };
}

/**
 * docker-modem follows redirects, and over a unix socket the first one is an exception that nobody can catch. With Node's own
 * `http` in the place of its wrapper, a redirect is an answer that is no success.
 */
async function loadClient(): Promise<typeof Dockerode> {
  const { default: Client } = await import("dockerode");
  const require = createRequire(createRequire(import.meta.url).resolve("dockerode"));
  Object.assign(require("docker-modem/lib/http.js"), { http, https });
  return Client;
}

/** The version is in a header of the ping, which dockerode's own `ping` does not show. */
async function askVersion(client: Dockerode, host: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = { path: "/_ping", method: "GET", isStream: true, abortSignal: signal, statusCodes: { 200: true } };
  client.modem.dial(request, (error, response) => (error ? reject(error) : resolve(response as IncomingMessage)));
  const response = await orAborted(signal, promise);
  response.resume();
  const version = response.headers["api-version"];
  if (typeof version === "string" && /^\d+\.\d+$/.test(version)) return version;
  throw new ConfigSyncError("UNREACHABLE", `what answers at ${host} is not a Docker Engine`, { retryable: false });
}

export function olderVersion(one: string, other: string): string {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [one, other].map((text) =>
    text.split(".").map(Number),
  ) as [number[], number[]];
  return major < otherMajor || (major === otherMajor && minor < otherMinor) ? one : other;
}

/** dockerode puts the name into the URL as it stands, so only what can be a name or id may get there. */
function find(client: Dockerode, name: string): Dockerode.Container {
  if (/^[a-zA-Z0-9][\w.-]*$/.test(name)) return client.getContainer(name);
  throw new ConfigSyncError("VALUE_INVALID", `"${name}" cannot be the name of a container`);
}

async function stateOf(client: Dockerode, name: string, signal: AbortSignal): Promise<ContainerState> {
  return readContainer(await find(client, name).inspect({ abortSignal: signal }));
}

/** "Already so" comes as status 304, which dockerode takes for an error. */
async function unlessDone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (statusOf(error) !== 304) throw error;
  });
}
