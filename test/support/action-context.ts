import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { redactor } from "../../src/config/secret.ts";
import type { ActionContext } from "../../src/platform/context.ts";

/** Stands in every text that a test lets a server say, and may come out of none of ours. */
export const plantedSecret = "s3cr3t-Kohlrabi";

/** What a reload or probe gets, with a redaction that knows the planted secret and no connections but the given ones. */
export function actionContext(parts: Partial<ActionContext> = {}): ActionContext {
  const none = async (): Promise<never> => {
    throw new Error("this test has no such connection");
  };
  return {
    signal: new AbortController().signal,
    redact: redactor([plantedSecret]),
    docker: none,
    supervisord: none,
    folder: tmpdir(),
    ...parts,
  };
}

/** A server that takes connections and never says a word, on a TCP port and a unix socket. */
export async function startHungServer() {
  const folder = await mkdtemp(path.join(tmpdir(), "config-sync-test-hung-"));
  const socket = path.join(folder, "hung.sock");
  const open = new Set<Socket>();
  const take = (one: Socket) => open.add(one.on("error", () => {}));
  const tcp = createServer(take).listen(0, "127.0.0.1");
  const unix = createServer(take).listen(socket);
  await Promise.all([once(tcp, "listening"), once(unix, "listening")]);
  const { port } = tcp.address() as AddressInfo;
  return {
    port,
    socket,
    stop: async () => {
      for (const one of open) one.destroy();
      for (const server of [tcp, unix]) server.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs `check` again and again until it no longer throws; its last error when 15 s are over. */
export async function eventually(check: () => Promise<void> | void): Promise<void> {
  for (const limit = Date.now() + 15_000; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
