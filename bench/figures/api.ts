import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import type { Leash } from "../../test/support/leash.ts";
import { type Effort, type Measurement, median } from "../measurement.ts";
import { observe } from "../observer.ts";
import { alternate } from "../rounds.ts";
import { newWorkspace, withLeash } from "../subjects.ts";
import { firstValue, type Workspace } from "../workspace.ts";

const main = join(import.meta.dirname, "../../dist/main.js");

export const key = "a key of the bench that is long enough to be one";
const connections = 8;
const requests = 1000;

/**
 * GET of a section from the daemon, let in by a key, beside a bare fastify handler that answers with the same bytes: the milliseconds for
 * 1,000 of them, asked by a process of its own on 8 connections. And how long the API takes to be there.
 */
export function measureApi(figure: string, effort: Effort): Promise<Measurement[]> {
  // V8 is through with either only after some ten thousand requests.
  const rounds = effort.quick ? { warmUp: 30, measured: 10, rest: 5 } : { warmUp: 100, measured: 100, rest: 5 };
  return withLeash(async (leash) => {
    const workspace = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
    const port = await openApi(workspace);
    const observer = observe(workspace.outputs[0]?.[0] ?? "");
    const started = performance.now();
    leash.start([process.execPath, main, "start", "--workspace", workspace.folder, "--log", "json"]);
    const written = (await observer.seen(firstValue)) - started;
    observer.close();
    await answers(`http://127.0.0.1:${port}/ready`);
    const ready = performance.now() - started;
    const url = `http://127.0.0.1:${port}/api/v1/settings/api-bench`;
    const floor = await startFloor(leash, await textOf(url));
    const loads = [await startLoad(floor), await startLoad(url)];
    try {
      const [floors = [], ours = []] = await alternate(loads.map(takeOn), rounds);
      const beside = { name: "bare fastify", value: median(floors) };
      return [
        {
          figure,
          what: "1,000 GETs of a section, median",
          unit: "ms",
          value: median(ours),
          beside,
          bar: { ratio: 1.25 },
        },
        {
          figure,
          what: "started with the API → first output written",
          unit: "ms",
          value: written,
          bar: { atMost: 300 },
        },
        { figure, what: "started → the API is ready", unit: "ms", value: ready, bar: {} },
      ];
    } finally {
      for (const { child } of loads) child.kill();
    }
  });
}

/** The workspace gets an address, a key and a section that is read. */
async function openApi({ folder, config }: Workspace): Promise<number> {
  const port = await freePort();
  const section = Array.from({ length: 12 }, (_, index) => `key_${index} = a value of some length ${index}`);
  const text = readFileSync(config, "utf8");
  writeFileSync(config, `${text}\n[api-bench]\n${section.join("\n")}\n\n[api_key]\nkey = ${key}\n`);
  const settings = ["api:", `  listen: ["127.0.0.1:${port}"]`, "  requests_per_second: 1000000"];
  appendFileSync(join(folder, "config-sync.yaml"), `${settings.join("\n")}\n`);
  return port;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await wait(10);
  }
  throw new Error(`nothing answers at ${url}`);
}

async function textOf(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { "x-api-key": key } });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.text();
}

async function startFloor(leash: Leash, text: string): Promise<string> {
  const port = await freePort();
  leash.start([process.execPath, join(import.meta.dirname, "../api-floor.ts"), `${port}`, text]);
  const url = `http://127.0.0.1:${port}/api/v1/settings/api-bench`;
  await answers(url);
  return url;
}

interface Load {
  readonly child: ChildProcess;
  readonly lines: Interface;
}

async function startLoad(url: string): Promise<Load> {
  const script = join(import.meta.dirname, "../api-load.ts");
  const child = spawn(process.execPath, [script, url, key, `${connections}`], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  await once(lines, "line");
  return { child, lines };
}

function takeOn({ child, lines }: Load): () => Promise<number> {
  return async () => {
    const answered = once(lines, "line");
    child.stdin?.write(`${requests}\n`);
    const [milliseconds] = await answered;
    return Number(milliseconds);
  };
}
