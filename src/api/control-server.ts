/**
 * The control socket: how the commands talk to a running daemon, and the lock that keeps a second one away from the same
 * workspace. HTTP on a unix socket in the state folder that only its owner can open.
 */
import { chmod, mkdir, unlink } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createLock, type Server } from "node:net";
import { dirname } from "node:path";
import { asConfigSyncError, ConfigSyncError, errorTable, systemCode } from "../errors.ts";
import { http } from "../platform/node-http.ts";
import { socketPath } from "../platform/unix-socket.ts";
import type { SyncEvent } from "../sync/events.ts";
import type { StatusReport } from "../sync/status.ts";
import { isAnswered } from "./control-client.ts";
import { asksForSocket, routeUpgrade } from "./http/ws-upgrade.ts";

/** What the commands ask of a daemon. */
export interface Commands {
  readonly status: () => Promise<StatusReport>;
  /** Looks at everything again and tells what happens until nothing is left to do. */
  readonly apply: (emit: (event: SyncEvent) => void) => Promise<void>;
  /** The same for one service, which is reloaded in any case. Throws NOT_FOUND. */
  readonly reload: (service: string, emit: (event: SyncEvent) => void) => Promise<void>;
  /** The same for one service, for which what was given up or waits is tried now. Throws NOT_FOUND. */
  readonly retry: (service: string, emit: (event: SyncEvent) => void) => Promise<void>;
}

export interface ControlHandlers extends Commands {
  /** Answers a request to the HTTP API: who can open this socket may do everything. */
  readonly api: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

/** Takes the workspace over. Throws DAEMON_RUNNING when another process has it. */
export async function serveControl(path: string, handlers: ControlHandlers): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const lock = await takeLock(path);
  try {
    if (await isAnswered(path)) throw alreadyRunning();
    await unlink(path).catch(() => undefined);
    return await listenOn(path, handlers, lock);
  } catch (error) {
    lock?.close();
    throw error;
  }
}

/**
 * The file of a socket outlives a killed process, and two starters could each take it for stale. An abstract socket (Linux)
 * goes with its process; elsewhere the connection test has to do.
 */
async function takeLock(path: string): Promise<Server | undefined> {
  if (process.platform !== "linux") return undefined;
  const name = `\0config-sync:${await digestName(path)}`;
  // Anybody on this machine may connect to it: a connection that stays would keep the process from ending.
  const lock = createLock((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    lock.once("error", (error) => reject(systemCode(error) === "EADDRINUSE" ? alreadyRunning() : error));
    lock.listen(name, () => resolve(lock.unref()));
  });
}

async function digestName(path: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  const { realpath } = await import("node:fs/promises");
  return createHash("sha256")
    .update(await realpath(dirname(path)))
    .digest("hex");
}

function alreadyRunning(): ConfigSyncError {
  return new ConfigSyncError("DAEMON_RUNNING", "another config-sync already works on this workspace", {
    hint: 'See it with "config-sync status", or stop it first',
  });
}

async function listenOn(path: string, handlers: ControlHandlers, lock: Server | undefined): Promise<AsyncDisposable> {
  const respond = (request: IncomingMessage, response: ServerResponse) => void answer(request, response, handlers);
  const server = http.createServer({ shouldUpgradeCallback: asksForSocket }, respond);
  server.on("upgrade", (request, socket, head) => routeUpgrade(request, socket, head, respond));
  const address = await socketPath(path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.path, resolve);
  });
  await chmod(address.path, 0o600);
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await address[Symbol.asyncDispose]();
      lock?.close();
    },
  };
}

/** Work may be silent for as long as a probe is patient: its answer begins before whoever asked takes us for dead. */
const silence = 500;

const ofApi = /^\/(api\/|ws\/|docs\b|openapi\.|health$|ready$|metrics$)/;

async function answer(request: IncomingMessage, response: ServerResponse, handlers: ControlHandlers): Promise<void> {
  const emit = (event: SyncEvent): void => void response.write(`${JSON.stringify(event)}\n`);
  const begin = request.method === "POST" ? setTimeout(() => response.flushHeaders(), silence) : undefined;
  try {
    const { pathname, searchParams } = new URL(`http://daemon${request.url}`);
    if (ofApi.test(pathname)) return await handlers.api(request, response);
    switch (`${request.method} ${pathname}`) {
      case "GET /status":
        response.end(`${JSON.stringify(await handlers.status())}\n`);
        break;
      case "POST /apply":
        await handlers.apply(emit);
        response.end();
        break;
      case "POST /reload":
        await handlers.reload(searchParams.get("service") ?? "", emit);
        response.end();
        break;
      case "POST /retry":
        await handlers.retry(searchParams.get("service") ?? "", emit);
        response.end();
        break;
      default:
        throw new ConfigSyncError("NOT_FOUND", `there is no ${request.method} ${pathname}`);
    }
  } catch (thrown) {
    const error = asConfigSyncError(thrown);
    if (!response.headersSent) response.statusCode = errorTable[error.code].status;
    response.end(`${JSON.stringify({ error })}\n`);
  } finally {
    clearTimeout(begin);
  }
}
