import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Leash, type LeashedServer, leash } from "../test/support/leash.ts";
import type { Effort, Measurement } from "./measurement.ts";
import { allSeen } from "./observer.ts";
import { firstValue, makeWorkspace, type Shape, type Workspace } from "./workspace.ts";

const main = join(import.meta.dirname, "../dist/main.js");

/** Starts a program that has to keep the outputs of a workspace. */
export type Program = (leash: Leash, workspace: Workspace) => LeashedServer;

/** A program that runs on a workspace of its own, settled. */
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

/**
 * The same numbers of our program and then, where one was named, of the peer, each on a leash of its own. A peer that cannot do it
 * is no reason to end: why is told.
 */
export async function eachAlone<Name extends string>(
  { peer }: Effort,
  work: (leash: Leash, program: Program) => Promise<Record<Name, number>>,
): Promise<(name: Name) => Pick<Measurement, "value" | "peer">> {
  const ours = await withLeash((leash) => work(leash, daemon));
  if (peer === undefined) return (name) => ({ value: ours[name] });
  const peers = await withLeash((leash) => work(leash, peerOf(peer))).catch((error: Error) => {
    console.error(`the peer failed: ${error.cause}`);
    return undefined;
  });
  return (name) => ({ value: ours[name], peer: peers?.[name] ?? Number.NaN });
}

/** Our program, and the peer where one was named. */
export function oursAndPeer({ peer }: Effort): Program[] {
  return [daemon, ...(peer === undefined ? [] : [peerOf(peer)])];
}

/** Ours, the floor, and the peer where one was named. */
export function withFloor(effort: Effort): Program[] {
  return oursAndPeer(effort).toSpliced(1, 0, floor);
}

export const daemon: Program = (leash, { folder }) => {
  if (!existsSync(main)) throw new Error("dist/main.js is missing: npm run bench builds it first");
  return leash.start([process.execPath, main, "start", "--no-api", "--workspace", folder, "--log", "json"]);
};

export const floor: Program = (leash, workspace) =>
  leash.start([process.execPath, join(import.meta.dirname, "floor.ts"), listOutputs(workspace), workspace.config]);

function peerOf(argv: readonly string[]): Program {
  return (leash, workspace) => {
    const { folder, config } = workspace;
    const meant: Record<string, string> = { config, folder, outputs: listOutputs(workspace) };
    return leash.start(argv.map((argument) => argument.replace(/\{(\w+)\}/g, (all, name) => meant[name] ?? all)));
  };
}

function listOutputs({ folder, outputs }: Workspace): string {
  const list = join(folder, "outputs.json");
  writeFileSync(list, JSON.stringify(outputs));
  return list;
}

/** One after the other, so that none is measured while another starts. */
export async function subjectsOn(leash: Leash, shape: Shape, programs: readonly Program[]): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const program of programs) subjects.push(await subjectOn(leash, newWorkspace(leash, shape), program));
  return subjects;
}

export async function subjectOn(leash: Leash, workspace: Workspace, program: Program): Promise<Subject> {
  const process = program(leash, workspace);
  await allSeen(workspace.outputs.flat(), firstValue);
  if (workspace.service !== undefined) await allSeen([workspace.service.log], firstValue);
  // What follows the last visible file (folders made durable, the ledger) is not waited for by any sign.
  await wait(1000);
  return { ...workspace, process };
}

export function newWorkspace(leash: Leash, shape: Shape): Workspace {
  const folder = join(leash.folder, `workspace-${++workspaces}`);
  mkdirSync(folder);
  return makeWorkspace(folder, shape);
}

let workspaces = 0;
