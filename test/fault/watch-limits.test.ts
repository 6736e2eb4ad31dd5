/**
 * A user whose programs have used up inotify's watches or instances. The limit is that of a user namespace of the daemon's own,
 * so that nobody else on the machine notices.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { type Leash, leash } from "../support/leash.ts";
import { makeWorkspace, type Workspace, waitForFile } from "../support/workspace.ts";

const main = join(import.meta.dirname, "../../src/main.ts");

/** Runs a command in a namespace in which there are `$1` of what `$2` names. */
const limited = [
  "unshare",
  "--user",
  "--map-root-user",
  "sh",
  "-c",
  'echo "$1" >"/proc/sys/user/$2"; shift 2; exec "$@"',
];

const workspaces: Workspace[] = [];
const leashes: Leash[] = [];
afterEach(async () => {
  for (const held of leashes.splice(0)) await held.release();
  for (const workspace of workspaces.splice(0)) await workspace.remove();
});

const config = (value: string): string => `[web]\nport = ${value}\n`;

async function newWorkspace(): Promise<Workspace> {
  const workspace = await makeWorkspace({
    "config.ini": config("first"),
    "config-sync.yaml":
      "sources:\n  - file: config.ini\nservices: [web]\nroots: [services]\nsync: { look_every: 200ms }\n",
    "templates/web/service.yaml":
      'name: web\noutputs:\n  - { path: services/web.env, format: "env:compose", template: env.hbs }\nreload:\n  - none: true\n',
    "templates/web/env.hbs": "PORT={{web.port}}\n",
  });
  workspaces.push(workspace);
  return workspace;
}

describe.each([
  { limit: "max_inotify_watches", setting: "fs.inotify.max_user_watches" },
  { limit: "max_inotify_instances", setting: "fs.inotify.max_user_instances" },
])("with the limit $limit reached", ({ limit, setting }) => {
  const command = (...args: readonly string[]) => [...limited, "sh", "0", limit, process.execPath, main, ...args];

  it("the daemon says so, finds changes by its periodic look, and watches again when there is room", async () => {
    const workspace = await newWorkspace();
    const held = await leash("watch-limits");
    leashes.push(held);
    const daemon = held.start(command("start", "--no-api", "--workspace", workspace.folder, "--log", "text"));
    const output = workspace.at("services/web.env");
    const written = (value: string) => waitForFile(output, (text) => text.includes(value));
    await written("first");
    expect(watchesOf(daemon.pid)).toBe(0);
    await workspace.saveByRename("config.ini", config("second"));
    await written("second");
    await workspace.saveInPlace("config.ini", config("third"));
    await written("third");
    expect(watchesOf(daemon.pid)).toBe(0);
    const log = readFileSync(join(held.folder, "log"), "utf8");
    expect(log.match(/Cannot watch .*/g)).toEqual([expect.stringContaining(setting)]);
    execFileSync("nsenter", ["--user", "--target", `${daemon.pid}`, "sh", "-c", `echo 99 >/proc/sys/user/${limit}`]);
    await daemon.becomes(() => watchesOf(daemon.pid) > 0);
    await workspace.saveByRename("config.ini", config("fourth"));
    await written("fourth");
    await daemon.end();
  });

  it("doctor says so, what it costs, and what to raise", async () => {
    const workspace = await newWorkspace();
    const [program = "", ...args] = command("doctor", "--workspace", workspace.folder, "--json");
    const { stdout } = await promisify(execFile)(program, args);
    const { checks } = JSON.parse(stdout) as { checks: { about: string }[] };
    expect(checks.find(({ about }) => about === "file watches")).toEqual({
      about: "file watches",
      state: "warning",
      text: expect.stringMatching(/limit of inotify .* is reached; changes are then seen every 0\.2 s/),
      mend: expect.stringContaining(setting),
    });
  });
});

/** The inotify watches that a process holds, as the kernel counts them. */
function watchesOf(pid: number): number {
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => `/proc/${pid}/fdinfo/${fd}`);
  const lines = infos.flatMap((info) => (existsSync(info) ? readFileSync(info, "utf8").split("\n") : []));
  return lines.filter((line) => line.startsWith("inotify wd:")).length;
}
