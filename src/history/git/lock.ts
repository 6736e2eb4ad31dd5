import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigSyncError, systemCode } from "../../errors.ts";

export type Unlock = () => void;

/** Milliseconds: a command that writes is through in less; a daemon lets go when nothing is left to do. */
const patience = 5000;

/**
 * Keeps other processes of this machine from writing into the folder until it is unlocked. An abstract socket (Linux) goes with its
 * process, also when that is killed, and no two can have one name. Elsewhere there is no lock. Throws HISTORY_UNUSABLE.
 */
export async function lockFolder(folder: string): Promise<Unlock> {
  if (process.platform !== "linux") return () => undefined;
  const name = `\0config-sync-history:${createHash("sha256")
    .update(await realpath(folder))
    .digest("hex")}`;
  for (let waited = 0; waited < patience; waited += 25) {
    const lock = await listen(name);
    if (lock !== undefined) return () => void lock.close();
    await sleep(25);
  }
  throw new ConfigSyncError("HISTORY_UNUSABLE", `another config-sync writes the history in ${folder}`, {
    hint: "Is there a daemon on another workspace with the same state folder?",
  });
}

function listen(name: string): Promise<Server | undefined> {
  // Anybody on this machine may connect to it: a connection that stays would keep the process from ending.
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error) => (systemCode(error) === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(name, () => resolve(server.unref()));
  });
}
