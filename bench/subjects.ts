import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Leash, type LeashedServer, leash } from "../test/support/leash.ts";
import { allSeen } from "./observer.ts";
import { firstValue, makeWorkspace, type Shape, type Workspace } from "./workspace.ts";

const main = join(import.meta.dirname, "../dist/main.js");

/** The daemon on a workspace of its own, settled; or the floor on another one of the same shape. */
export interface Subject extends Workspace {
  readonly process: LeashedServer;
}

/** A temporary folder for `work`. It goes, and what was started in it ends, also when the bench is interrupted or killed. */
export async function withLeash<Result>(work: (leash: Leash) => Promise<Result>): Promise<Result> {
  const held = await leash("bench");
  try {
    return await work(held);
  } catch (error) {
    const said = existsSync(join(held.folder, "log")) ? readFileSync(join(held.folder, "log"), "utf8") : "";
    throw new Error(`cannot measure; the end of what the measured programs said:\n${said.slice(-3000)}`, {
      cause: error,
    });
  } finally {
    await held.release();
  }
}

export function startDaemon(leash: Leash, { folder }: Workspace): LeashedServer {
  if (!existsSync(main)) throw new Error("dist/main.js is missing: npm run bench builds it first");
  return leash.start([process.execPath, main, "start", "--workspace", folder, "--log", "json"]);
}

export function daemonOn(leash: Leash, shape: Shape): Promise<Subject> {
  return settled(newWorkspace(leash, shape), (workspace) => startDaemon(leash, workspace));
}

export function floorOn(leash: Leash, shape: Shape): Promise<Subject> {
  return settled(newWorkspace(leash, shape), ({ folder, outputs, config }) => {
    const list = join(folder, "outputs.json");
    writeFileSync(list, JSON.stringify(outputs));
    return leash.start([process.execPath, join(import.meta.dirname, "floor.ts"), list, config]);
  });
}

export function newWorkspace(leash: Leash, shape: Shape): Workspace {
  const folder = join(leash.folder, `workspace-${++workspaces}`);
  mkdirSync(folder);
  return makeWorkspace(folder, shape);
}

let workspaces = 0;

async function settled(workspace: Workspace, start: (workspace: Workspace) => LeashedServer): Promise<Subject> {
  const process = start(workspace);
  await allSeen(workspace.outputs.flat(), firstValue);
  // What follows the last visible file (folders made durable, the ledger) is not waited for by any sign.
  await wait(1000);
  return { ...workspace, process };
}
