/**
 * Secrets of every kind go through everything that config-sync does and gets wrong, and are then looked for in everything that it said,
 * wrote and left behind. `CANARY_ROUNDS=5` goes through it more often, with other secrets each time.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { accessFile, openAccess } from "../../src/access/open.ts";
import { type Daemon, runCli } from "../support/workspace.ts";
import {
  becomeHealthy,
  damage,
  everyLevel,
  fallIll,
  killInTheMiddle,
  recover,
  type Scene,
  setAll,
} from "./support/canary/acts.ts";
import { createAsk, listen, sendRaw } from "./support/canary/ask.ts";
import { createFlock, type Flock } from "./support/canary/canaries.ts";
import { commandLines, runLines } from "./support/canary/commands.ts";
import { createEvidence, describeLeaks, type Evidence, noteFiles, noteProcesses } from "./support/canary/evidence.ts";
import { letIn, walkRoutes } from "./support/canary/routes.ts";
import { type Stage, setStage } from "./support/canary/stage.ts";

const rounds = Number(process.env.CANARY_ROUNDS ?? 1);
/** How often the secrets are changed in a round. */
const generations = 6;

let stage: Stage;
let watch: NodeJS.Timeout;
afterEach(async () => {
  clearInterval(watch);
  await stage?.remove();
});

test("no secret is anywhere that it does not belong", { timeout: 120_000 * rounds }, async () => {
  const flock = createFlock();
  const evidence = createEvidence(flock);
  stage = await setStage(flock);
  const { workspace } = stage;
  const socketPath = workspace.at("state/daemon.sock");
  const scene = { stage, flock, ask: createAsk(evidence, { socketPath }) };
  watch = setInterval(() => noteProcesses(evidence), 200);

  await makeKey(flock);
  const keys = await makeAccess(flock);
  let daemon = await start("text");
  let endListening = await listen(evidence, socketPath);
  for (let round = 0; round < rounds * generations; round += generations) {
    await setAll(scene, round);
    await becomeHealthy(scene, round);
    await walk(scene, { daemon, evidence, keys, round });
    await fallIll(scene, round + 1);
    await recover(scene);
    await runLines(stage, evidence, commandLines(flock, round + 1));
    await damage(scene, daemon);
    noteDaemon(evidence, daemon);
    await killInTheMiddle(scene, daemon, round + 2);
    daemon = await start("json");
    endListening = await listen(evidence, socketPath);
    await everyLevel(scene, daemon, round + 3);
  }
  endListening();
  await daemon.stop();
  noteDaemon(evidence, daemon);
  // Without a daemon the commands do it all by themselves.
  await runLines(stage, evidence, commandLines(flock, rounds * generations).filter(isShort));
  clearInterval(watch);
  noteFiles(evidence, workspace.folder);
  expect(describeLeaks(evidence.leaks())).toBe("");
});

test("a secret that is planted is found, whatever the place and the spelling", async () => {
  const flock = createFlock();
  stage = await setStage(flock);
  const { workspace } = stage;
  const secret = flock.canary("special");
  const spellings: readonly ((text: string) => string)[] = [
    (text) => text,
    JSON.stringify,
    encodeURIComponent,
    (text) => text.slice(0, 12),
    (text) => text.slice(-12),
    (text) => text.toUpperCase(),
    (text) => Buffer.from(text).toString("hex"),
    ...["", "1", "12"].map((before) => (text: string) => Buffer.from(before + text).toString("base64")),
  ];
  for (const spell of spellings) {
    const evidence = createEvidence(flock);
    evidence.note("log", `before ${spell(secret)} after`);
    expect(evidence.leaks(), spell(secret)).not.toEqual([]);
  }
  expect(flock.find(Buffer.from("nothing of the kind"))).toEqual([]);

  const history = workspace.at("state/history");
  const git = (args: readonly string[], input = "") => execFileSync("git", ["-C", history, ...args], { input });
  mkdirSync(history, { recursive: true });
  git(["init", "--bare", "--quiet"]);
  git(["hash-object", "-w", "--stdin"], secret);
  writeFileSync(workspace.at("state/left-behind"), secret);
  writeFileSync(workspace.at(`tmp/${flock.canary("short")}`), "");
  writeFileSync(workspace.at("config.ini"), `${flock.canary("hand")} is right here, and not ${flock.canary("push")}`);
  const running = spawn("sleep", ["60"], { argv0: secret });
  await once(running, "spawn");
  const evidence = createEvidence(flock);
  noteProcesses(evidence);
  running.kill();
  noteFiles(evidence, workspace.folder);
  expect(new Set(evidence.leaks().map(({ place, name }) => `${name} in ${place}`))).toEqual(
    new Set([
      "special in processes",
      "special in file state/left-behind",
      "special in git objects",
      "short in name of a file",
      "push in file config.ini",
    ]),
  );
});

/** Each takes a tenth of a second by itself; as JSON they say the same as with a daemon. */
function isShort({ argv }: { readonly argv: readonly string[] }): boolean {
  return rounds > 1 || !argv.includes("--json");
}

async function makeKey(flock: Flock): Promise<void> {
  const { workspace, environment } = stage;
  const { code } = await runCli(["secrets", "keygen", "-w", workspace.folder], { env: environment });
  expect(code).toBe(0);
  for (const key of readFileSync(workspace.at("keys"), "utf8").match(/^[\w-]{43}$/gm) ?? []) flock.add("made", key);
}

/** A user and keys with several rights. */
async function makeAccess(flock: Flock): Promise<string[]> {
  const access = await openAccess({ file: accessFile(stage.workspace.at("state")) });
  await access.createUser("ann", flock.canary("password"), { role: "editor" });
  return [
    await access.createKey("admin-key", { role: "admin" }),
    await access.createKey("viewer", { role: "viewer" }),
    await access.createKey("narrow", { role: "editor", sections: ["app"] }),
  ];
}

async function start(format: "text" | "json"): Promise<Daemon> {
  const { workspace, environment } = stage;
  const daemon = workspace.startDaemon({ listens: true, env: environment, args: ["--log", format] });
  await daemon.waitForLine(/listening on/);
  return daemon;
}

function noteDaemon(evidence: Evidence, daemon: Daemon): void {
  evidence.note("log", daemon.lines.join("\n"));
}

interface Walk {
  readonly daemon: Daemon;
  readonly evidence: Evidence;
  readonly keys: readonly string[];
  readonly round: number;
}

/** Every route, by whoever may do it all, by others, and by nobody; and what is no request at all. */
async function walk({ ask, flock }: Scene, { daemon, evidence, keys, round }: Walk): Promise<void> {
  const [, digits = ""] = /127\.0\.0\.1:(\d+)/.exec(await daemon.waitForLine(/listening on/)) ?? [];
  const port = Number(digits);
  const byNetwork = createAsk(evidence, { port });
  const whos = await letIn(byNetwork, flock, keys);
  await walkRoutes(ask, flock, { whos: [{}], round });
  await walkRoutes(byNetwork, flock, { whos: [...whos, {}], round });
  const [admin = {}] = whos;
  for (const url of ["/api/v1/settings?reveal=true", "/api/v1/settings/mail/password?reveal=true"]) {
    const shown = await byNetwork({ method: "GET", url, headers: admin, reveals: true });
    expect(shown.text).toContain(flock.canary("named", round));
  }
  const wrong = flock.canary("wrong");
  for (const text of [
    `GET /?${wrong} HTTP/1.1\r\nHost: ${wrong}\r\n\r\n`,
    `${wrong}\r\n\r\n`,
    `PUT / HTTP/9.9\r\nx-api-key: ${wrong}\r\n\r\n`,
  ])
    await sendRaw(evidence, port, text);
}
