/** A workspace with services that note what they are told, and are healthy at once: for tests of the daemon's own life. */
import { existsSync, readFileSync } from "node:fs";
import { expect, onTestFinished, vi } from "vitest";
import { askStatus } from "../../support/ask-daemon.ts";
import { type Daemon, makeWorkspace, type Workspace } from "../../support/workspace.ts";

export const patience = { timeout: 15_000, interval: 20 };

/** A service whose reload notes itself in the file `NAME.reloads`, begins with `before`, and takes the value into `NAME.live`. */
export function service(name: string, { before = "", rest = "" } = {}): Record<string, string> {
  const reload = `echo >> ${name}.reloads; ${before} cp services/${name}.conf ${name}.live`;
  return {
    [`templates/${name}/service.yaml`]: `name: ${name}
outputs: [{ path: services/${name}.conf, format: text, template: it.hbs }]
reload: [{ command: { argv: ["sh", "-c", "${reload}"], timeout: 50s } }]
${rest}`,
    [`templates/${name}/it.hbs`]: "value {{it.value}}\n",
  };
}

export function settings(services: readonly string[], more = ""): string {
  return `sources: [{ file: config.ini }]
services: [${services.join(", ")}]
roots: [services]
sync: { retry_first: 50ms, retry_longest: 200ms }
log: { format: text }
${more}`;
}

export const values = (value: string) => `[it]\nvalue = ${value}\n`;

/** For the test that is running: it goes with its end. */
export async function lay(services: readonly string[], files: Readonly<Record<string, string>>): Promise<Workspace> {
  const own = { "config-sync.yaml": settings(services), "config.ini": values("first") };
  const workspace = await makeWorkspace({ ...own, ...files });
  onTestFinished(workspace.remove);
  return workspace;
}

export async function start(workspace: Workspace): Promise<Daemon> {
  const daemon = workspace.startDaemon();
  await daemon.waitForLine(/watching/);
  return daemon;
}

/** Waits until these services, and no others, run on the value, by their own word and by that of the daemon. */
export async function settles(workspace: Workspace, names: readonly string[], value: string): Promise<void> {
  await vi.waitFor(async () => {
    for (const name of names) expect(readFileSync(workspace.at(`${name}.live`), "utf8")).toBe(`value ${value}\n`);
    const { services } = await askStatus(workspace);
    expect(services.map(({ name, state }) => `${name} ${state}`)).toEqual(names.map((name) => `${name} healthy`));
  }, patience);
}

export function reloads({ at }: Workspace, name: string): number {
  return existsSync(at(`${name}.reloads`)) ? readFileSync(at(`${name}.reloads`), "utf8").length : 0;
}

export async function stopQuickly(daemon: Daemon, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  const began = performance.now();
  process.kill(daemon.pid, signal);
  expect(await daemon.stop()).toBe(0);
  // One second, and what starting and ending programs may take on a busy machine.
  expect(performance.now() - began).toBeLessThan(3000);
}
