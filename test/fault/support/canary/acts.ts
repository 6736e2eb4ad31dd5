/** What happens to the secrets on the stage: changes, services that refuse them, damaged files, a crash. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { expect, vi } from "vitest";
import type { StatusReport } from "../../../../src/sync/status.ts";
import type { Daemon } from "../../../support/workspace.ts";
import type { Ask } from "./ask.ts";
import type { Flock } from "./canaries.ts";
import { allSecrets, mergeable, places, type Stage, secretAt, settings } from "./stage.ts";

export interface Scene {
  readonly stage: Stage;
  readonly flock: Flock;
  /** By the control socket. */
  readonly ask: Ask;
}

const patience = { timeout: 15_000, interval: 50 };

/** All secrets, in one change. While the daemon reads its settings anew, nobody may write for a moment. */
export async function setAll({ ask, flock }: Scene, round: number, wait = ""): Promise<void> {
  const url = `/api/v1/settings?message=all+of+them${wait}`;
  await vi.waitFor(async () => {
    const { status, text } = await ask({ method: "PUT", url, body: allSecrets(flock, round) });
    if (status >= 300) throw new Error(`the secrets cannot be set: ${text}`);
  }, patience);
}

async function statusOf({ ask }: Scene): Promise<StatusReport> {
  return JSON.parse((await ask({ method: "GET", url: "/api/v1/status" })).text);
}

/** Only what nobody answers for waits; the others have these secrets. */
export async function becomeHealthy(scene: Scene, round: number): Promise<void> {
  await vi.waitFor(async () => {
    const { services } = await statusOf(scene);
    const others = services.filter(({ name }) => name !== "supervised");
    const ill = others.filter(({ state }) => state !== "healthy");
    expect(ill.map(({ name, state, trouble }) => `${name} is ${state}: ${trouble?.message}`)).toEqual([]);
    expectEveryOutput(scene, round);
  }, patience);
}

/** The services have them all: otherwise it would prove nothing that nobody else does. */
function expectEveryOutput({ stage: { workspace }, flock }: Scene, round: number): void {
  const text = readFileSync(workspace.at("services/files.text"), "utf8");
  for (const name of Object.keys(places)) {
    if (name !== "apiKey") expect(text).toContain(secretAt(flock, name as keyof typeof places, round));
  }
  for (const name of ["environment", "environmentFile", "system"] as const) expect(text).toContain(flock.canary(name));
}

/** Whatever is told, refuses, and repeats all that it was given. */
export async function fallIll(scene: Scene, round: number): Promise<void> {
  const { workspace, echo } = scene.stage;
  echo.fallIll();
  writeFileSync(workspace.at("mode"), "ill");
  await setAll(scene, round, "&wait=healthy&timeout=500ms");
  await vi.waitFor(async () => {
    const { services } = await statusOf(scene);
    const states = new Map(services.map(({ name, state }) => [name, state]));
    expect(states.get("checked")).toBe("refused");
    for (const name of ["told", "commanded", "probed"])
      expect(["waiting", "rolling-back", "rolled-back"], name).toContain(states.get(name));
  }, patience);
}

export async function recover({ ask, stage: { workspace, echo } }: Scene): Promise<void> {
  echo.recover();
  writeFileSync(workspace.at("mode"), "well");
  for (const name of ["told", "commanded", "probed", "checked"])
    await ask({ method: "POST", url: `/api/v1/services/${name}/retry?timeout=5s` });
}

/** Files that are edited, broken and mistaken, each beside secrets. */
export async function damage(scene: Scene, daemon: Daemon): Promise<void> {
  const { ask, flock, stage } = scene;
  const { workspace, echo } = stage;
  const wrong = flock.canary("wrong");
  const look = () => ask({ method: "POST", url: "/api/v1/settings/reload" });
  const reread = async () => {
    const at = daemon.lines.length;
    process.kill(daemon.pid, "SIGHUP");
    await daemon.waitForLine(/settings/, at);
  };
  const whileFileIs = async (file: string, text: string, act: () => Promise<unknown>) => {
    const before = readFileSync(workspace.at(file), "utf8");
    writeFileSync(workspace.at(file), text);
    await act();
    await ask({ method: "POST", url: "/api/v1/plan" });
    await ask({ method: "POST", url: "/api/v1/apply?timeout=2s" });
    await statusOf(scene);
    writeFileSync(workspace.at(file), before);
    await act();
  };

  // Somebody else's hands in the services' files, the last of them in ones that are to be merged into.
  appendFileSync(workspace.at("services/drifting.txt"), `password = ${wrong}\n`);
  appendFileSync(workspace.at("services/files.ini.gitea"), `; password = ${wrong}\n`);
  const adopting = await workspace.read("services/adopting.env");
  writeFileSync(
    workspace.at("services/adopting.env"),
    adopting.replace(/PASSWORD=.*/, `PASSWORD=${flock.canary("named", 9)}`),
  );
  for (const format of mergeable)
    writeFileSync(workspace.at(`services/merged.${format}`), `[${wrong}\n"${wrong}": {"${wrong}`);
  await ask({ method: "POST", url: "/api/v1/plan" });
  await ask({ method: "POST", url: "/api/v1/apply?timeout=5s" });
  for (const format of mergeable) writeFileSync(workspace.at(`services/merged.${format}`), "");

  const config = await workspace.read("config.ini");
  const line = (text: string) => config.replace("[hand]", `[hand]\n${text}`);
  for (const text of [
    `password ${flock.canary("hand")}`,
    `password = ${flock.canary("hand")}\npassword = ${flock.canary("hand")}`,
    `password = ab%(${flock.canary("hand")})s`,
    `[${flock.canary("hand")}`,
    `password = enc:v1:${flock.canary("hand")}`,
    `password = AES256:${flock.canary("hand")}`,
    `password = ${flock.canary("hand")}`,
  ])
    await whileFileIs("config.ini", line(text), look);
  const extra = await workspace.read("extra.ini");
  for (const text of [
    `password = ${wrong}\${`,
    `password = \${mail.password`,
    `password = \${derived.password}`,
    `password = \${-${wrong}}`,
  ])
    await whileFileIs("extra.ini", `${extra}\n[more]\n${text}\n`, look);

  const template = await workspace.read("templates/files/files.json.hbs");
  for (const text of [
    "{{number mail.password}}",
    "{{boolean vault.seed}}",
    "{{#if mail.password}}",
    "{{mail.password.more}}",
    "{{{mail.password}}}",
    '{{as "x" mail.password}}',
  ])
    await whileFileIs("templates/files/files.json.hbs", template.replace("{", `{ "bad": ${text},`), reread);
  const manifest = await workspace.read("templates/told/service.yaml");
  for (const text of [
    "probe: { tcp: { host: localhost, port: '{{mail.password}}' } }",
    "depends_on: ['{{mail.password}}']",
  ])
    await whileFileIs("templates/told/service.yaml", `${manifest}${text}\n`, reread);
  const plain = await workspace.read("templates/files/service.yaml");
  for (const text of [
    'reload: [{ command: { argv: [sh, tell.sh, "{{mail.password}}"] } }]',
    "reload: [{ command: { argv: 1 } }]",
  ])
    await whileFileIs("templates/files/service.yaml", `${plain}${text}\n`, reread);
  for (const text of [
    `supervisord: ${wrong}`,
    `log: { level: ${wrong} }`,
    `encryption: { key_file: "${wrong}" }`,
    `"${wrong}`,
    `more: ${wrong}`,
  ])
    await whileFileIs("config-sync.yaml", settings(flock, echo.url, text), reread);
}

export async function killInTheMiddle(scene: Scene, daemon: Daemon, round: number): Promise<void> {
  const at = daemon.lines.length;
  setAll(scene, round).catch(() => undefined);
  await daemon.waitForLine(/writing/, at);
  await daemon.kill9();
}

/** The same change and the same troubles, told to everybody from who wants to hear little to who looks closely. */
export async function everyLevel(scene: Scene, daemon: Daemon, round: number): Promise<void> {
  const { workspace, echo } = scene.stage;
  for (const [index, level] of ["error", "warn", "info", "debug"].entries()) {
    await workspace.saveByRename("config-sync.yaml", settings(scene.flock, echo.url, `log: { level: ${level} }`));
    const at = daemon.lines.length;
    process.kill(daemon.pid, "SIGHUP");
    if (level === "info" || level === "debug") await daemon.waitForLine(/settings/, at);
    if (level !== "debug") await fallIll(scene, round + index);
  }
  await recover(scene);
}
