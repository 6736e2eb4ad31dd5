import { constants } from "node:fs";
import { access, readFile, realpath, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Secret } from "../config/secret.ts";
import { asConfigSyncError, systemCode } from "../errors.ts";
import { inotifyLimit } from "../platform/folder-watch.ts";
import { readCurrent, writeDurably } from "../platform/safe-write.ts";
import type { RenderedOutput, RenderedService, ResolvedAction } from "../services/render.ts";
import type { Workspace } from "../workspace.ts";
import { checkApps, checkKeys } from "./diagnose-keys.ts";
import type { Diagnosis } from "./doctor.ts";
import { type Inspection, inspectWorkspace } from "./inspect.ts";

/** Everything that the daemon needs from the machine, checked one by one. A check that fails does not keep the others back. */
export async function diagnose(folder: string): Promise<Diagnosis[]> {
  const opened = await open(folder);
  if ("text" in opened) return [opened];
  const services = [...opened.renderings.values()].flatMap(({ wanted }) => wanted?.service ?? []);
  const found = await Promise.all([
    checkNode(),
    checkSources(opened),
    checkKeys(opened),
    checkState(opened.workspace),
    checkHistory(opened.workspace),
    checkApps(opened),
    checkRoots(opened.workspace),
    ...services.flatMap((service) => service.outputs.map((output) => checkOutput(service, output, opened.workspace))),
    checkDocker(services, opened.workspace),
    checkSupervisord(services, opened.workspace),
    checkWatches(opened.workspace),
  ]);
  return found.flat();
}

async function open(folder: string): Promise<Inspection | Diagnosis> {
  try {
    return await inspectWorkspace(folder);
  } catch (thrown) {
    return { about: "workspace", ...describeFailure(thrown) };
  }
}

function describeFailure(thrown: unknown): Pick<Diagnosis, "state" | "text" | "mend"> {
  const error = asConfigSyncError(thrown);
  const whence =
    error.key === undefined ? undefined : `"config-sync explain ${error.key}" tells where the value stands`;
  return { state: "failure", text: error.with({ hint: undefined }).toText(), mend: error.hint ?? whence };
}

function checkNode(): Diagnosis {
  const fits = Number(process.versions.node.split(".")[0]) >= 24;
  return fits
    ? { about: "Node.js", state: "ok", text: process.versions.node }
    : {
        about: "Node.js",
        state: "failure",
        text: `${process.versions.node} is too old`,
        mend: "Install Node.js 24 or newer",
      };
}

async function checkSources({ problems, snapshot, renderings, workspace }: Inspection): Promise<Diagnosis[]> {
  const files = new Set([...(snapshot?.entries.values() ?? [])].flatMap(({ origin }) => origin.file ?? []));
  const failures = problems.map((problem): Diagnosis => {
    return { about: "sources", ...describeFailure(problem) };
  });
  const refused = [...renderings].flatMap(([name, { error }]): Diagnosis[] =>
    error === undefined ? [] : [{ about: name, ...describeFailure(error) }],
  );
  if (failures.length > 0) return failures;
  const text = `${snapshot?.entries.size ?? 0} values from ${[...files].join(", ") || "no file"}`;
  return [{ about: "sources", state: "ok", text }, ...refused, ...(await checkPrivacy(snapshot, workspace))];
}

/** Passwords in a file that everybody may read. */
async function checkPrivacy(snapshot: Inspection["snapshot"], { settings }: Workspace): Promise<Diagnosis[]> {
  const given = [...(snapshot?.candidates.values() ?? [])].flat();
  const secretive = new Set(given.flatMap(({ origin, value }) => (value instanceof Secret ? origin.source : [])));
  const sources = settings.sources.flatMap((source) => ("file" in source ? source.file : []));
  const files = settings.environment === undefined ? sources : [...sources, settings.environment];
  const found = await Promise.all(
    files.map(async (file): Promise<Diagnosis[]> => {
      if (!secretive.has(basename(file))) return [];
      const path = resolve(settings.folder, file);
      const mode = (await stat(path).catch(() => undefined))?.mode ?? 0;
      if ((mode & 0o004) === 0) return [];
      const text = "holds secrets, and every user of this machine may read it";
      return [{ about: file, state: "warning", text, mend: `chmod o-r ${path}` }];
    }),
  );
  return found.flat();
}

async function checkState({ settings }: Workspace): Promise<Diagnosis> {
  const about = "state folder";
  const probe = join(settings.state, "doctor");
  try {
    await access(settings.state);
    await writeDurably(probe, "room for a few lines".padEnd(4096));
    await unlink(probe);
    return { about, state: "ok", text: settings.state };
  } catch (error) {
    const mend = `Give the daemon's user the right to write ${settings.state}`;
    // A full disk says itself how to mend it; where a right is missing, this says to which folder.
    const isRight = rights.includes(systemCode(asConfigSyncError(error).cause) ?? "");
    if (systemCode(error) !== "ENOENT") return { about, ...describeFailure(error), ...(isRight && { mend }) };
    if (await mayWrite(settings.state))
      return { about, state: "ok", text: `${settings.state} is made when it is needed` };
    return { about, state: "failure", text: `${settings.state} is not there and cannot be made`, mend };
  }
}

const rights = ["EACCES", "EPERM"];

async function checkHistory({ openHistory }: Workspace): Promise<Diagnosis> {
  const about = "history";
  const history = openHistory(() => undefined);
  try {
    const apps = await history.apps();
    const heads = await Promise.all(apps.map(async (app) => `${app} at revision ${(await history.head(app))?.number}`));
    return { about, state: "ok", text: heads.join(", ") || "begins with the first start" };
  } catch (error) {
    return { about, ...describeFailure(error) };
  } finally {
    await history.close();
  }
}

async function checkRoots({ settings }: Workspace): Promise<Diagnosis[]> {
  return Promise.all(
    settings.roots.map(async (root): Promise<Diagnosis> => {
      const real = await realpath(root).catch(() => undefined);
      if (real !== undefined) return { about: "root", state: "ok", text: root };
      const inside = !relative(settings.folder, root).startsWith("..");
      if (inside) return { about: "root", state: "ok", text: `${root} is made when it is needed` };
      const mend = `mkdir -p ${root}, or mount the volume there, or remove it from roots in config-sync.yaml`;
      return { about: "root", state: "failure", text: `${root} does not exist`, mend };
    }),
  );
}

async function checkOutput(
  { name }: RenderedService,
  output: RenderedOutput,
  { settings }: Workspace,
): Promise<Diagnosis> {
  const about = `${name}: ${output.shownPath}`;
  try {
    const { confine } = await import("../platform/confine.ts");
    const { path } = confine(output.path, settings.roots);
    const current = await readCurrent(path);
    if (await mayWrite(dirname(path)))
      return { about, state: "ok", text: current === undefined ? "not there yet" : "can be replaced" };
    if (current !== undefined && (await mayWrite(path))) {
      const text = "can only be written in place: the folder around it is closed to us";
      return { about, state: "warning", text, mend: `Give the daemon's user the right to write ${dirname(path)}` };
    }
    const text = "cannot be written";
    return { about, state: "failure", text, mend: `Give the daemon's user the right to write ${dirname(path)}` };
  } catch (thrown) {
    return { about, ...describeFailure(thrown) };
  }
}

/** The folder itself, or the nearest one that exists above it: missing folders are made. */
async function mayWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return true;
  } catch (error) {
    return systemCode(error) === "ENOENT" && dirname(path) !== path ? mayWrite(dirname(path)) : false;
  }
}

/** Milliseconds that a server gets to answer. */
const patience = 5000;

function actionsOf(services: readonly RenderedService[], kind: string): ResolvedAction[] {
  const all = services.flatMap(({ reload, probes }) => [...reload.map(({ action }) => action), ...probes]);
  return all.filter((action) => action.kind === kind);
}

async function checkDocker(services: readonly RenderedService[], { connections }: Workspace): Promise<Diagnosis[]> {
  const used = actionsOf(services, "docker");
  if (used.length === 0) return [];
  try {
    const docker = await connections.docker();
    const { apiVersion } = await docker.ping(AbortSignal.timeout(patience));
    const names = new Set(used.map(({ spec }) => (spec as { container: string }).container));
    const containers = await Promise.all(
      [...names].map(async (name): Promise<Diagnosis> => {
        try {
          const { status } = await docker.inspect(name, AbortSignal.timeout(patience));
          return { about: `container ${name}`, state: status === "running" ? "ok" : "warning", text: status };
        } catch (error) {
          const mend = "Start it, or correct its name under containers in config-sync.yaml";
          return { about: `container ${name}`, state: "failure", text: asConfigSyncError(error).message, mend };
        }
      }),
    );
    return [{ about: "Docker", state: "ok", text: `answers, API ${apiVersion}` }, ...containers];
  } catch (thrown) {
    const { message, hint } = asConfigSyncError(thrown);
    return [
      {
        about: "Docker",
        state: "failure",
        text: message,
        mend: hint ?? "Mount the socket, or set docker.host in config-sync.yaml",
      },
    ];
  }
}

async function checkSupervisord(
  services: readonly RenderedService[],
  { connections }: Workspace,
): Promise<Diagnosis[]> {
  if (actionsOf(services, "supervisord").length === 0) return [];
  try {
    const supervisord = await connections.supervisord();
    return [
      {
        about: "supervisord",
        state: "ok",
        text: `answers, ${await supervisord.version(AbortSignal.timeout(patience))}`,
      },
    ];
  } catch (thrown) {
    const { message, hint } = asConfigSyncError(thrown);
    const mend = hint ?? "Check supervisord.url in config-sync.yaml and [unix_http_server] in supervisord.conf";
    return [{ about: "supervisord", state: "failure", text: message, mend }];
  }
}

/** Below this many watches per user other programs are likely to have used them up. */
const fewWatches = 8192;

async function checkWatches({ settings }: Workspace): Promise<Diagnosis[]> {
  if (process.platform !== "linux") return [];
  const about = "file watches";
  const meanwhile = `changes are then seen every ${settings.sync.look_every / 1000} s`;
  const trouble = await tryToWatch(settings.folder);
  if (trouble !== undefined) return [{ about, state: "warning", ...explainTrouble(trouble, meanwhile) }];
  const allowed = Number(await readFile("/proc/sys/fs/inotify/max_user_watches", "utf8").catch(() => "NaN"));
  if (!(allowed < fewWatches)) return [{ about, state: "ok", text: `${allowed} allowed` }];
  const text = `only ${allowed} allowed for all programs of this user; when they are used up, ${meanwhile}`;
  return [{ about, state: "warning", text, mend: "sysctl fs.inotify.max_user_watches=524288" }];
}

async function tryToWatch(folder: string): Promise<unknown> {
  const { watch } = await import("node:fs");
  try {
    watch(folder).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

function explainTrouble(error: unknown, meanwhile: string): Pick<Diagnosis, "text" | "mend"> {
  const limit = inotifyLimit(error);
  if (limit === undefined) return { text: `cannot watch: ${asConfigSyncError(error).message}; ${meanwhile}` };
  const text = `none to be had, the limit of inotify ${limit.of} is reached; ${meanwhile}`;
  return { text, mend: `sysctl ${limit.setting}=${limit.enough}, or end the program of this user that uses them up` };
}
