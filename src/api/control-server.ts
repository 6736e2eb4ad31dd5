/**
 * The control socket: how the commands talk to a running daemon, and the lock that keeps a second one away from the same
 * workspace. HTTP on a unix socket in the state folder that only its owner can open.
 */
import { chmod, mkdir, unlink } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createLock, type Server } from "node:net";
import { dirname } from "node:path";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { http } from "../platform/node-http.ts";
import { socketPath } from "../platform/unix-socket.ts";
import { isAnswered } from "./control-client.ts";
import { problemType, toProblem } from "./http/problem.ts";
import { asksForSocket, routeUpgrade } from "./http/ws-upgrade.ts";

/** Answers a request to the HTTP API: who can open this socket may do everything. */
export type AnswerLocal = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Takes the workspace over. Throws DAEMON_RUNNING when another process has it. */
export async function serveControl(path: string, api: AnswerLocal): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const lock = await takeLock(path);
  try {
    if (await isAnswered(path)) throw alreadyRunning();
    await unlink(path).catch(() => undefined);
    return await listenOn(path, api, lock);
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

async function listenOn(path: string, api: AnswerLocal, lock: Server | undefined): Promise<AsyncDisposable> {
  const respond = (request: IncomingMessage, response: ServerResponse) => void answer(request, response, api);
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

const ofApi = /^\/(api\/|ws\/|configs\b|login$|docs\b|openapi\.|health$|ready$|metrics$)/;

/** What is not for the API is answered here: whether somebody is there can be asked without its being loaded. */
async function answer(request: IncomingMessage, response: ServerResponse, api: AnswerLocal): Promise<void> {
  try {
    const { pathname } = new URL(`http://daemon${request.url}`);
    if (!ofApi.test(pathname)) throw new ConfigSyncError("NOT_FOUND", `there is no ${request.method} ${pathname}`);
    await api(request, response);
  } catch (thrown) {
    const problem = toProblem(thrown);
    response.writeHead(problem.status, { "content-type": problemType });
    response.end(JSON.stringify(problem));
  }
}
