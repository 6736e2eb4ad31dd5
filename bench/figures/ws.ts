import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import type { Leash, LeashedServer } from "../../test/support/leash.ts";
import { machineTime } from "../machine-time.ts";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { alternate, type Sample } from "../rounds.ts";
import { newWorkspace, withLeash } from "../subjects.ts";
import { answers, freePort, key } from "./api.ts";

const main = join(import.meta.dirname, "../../dist/main.js");

const node = [process.execPath, "--expose-gc", "--import", join(import.meta.dirname, "../collect-garbage.ts")];

const readers = 1000;

/**
 * From a PUT to the message at each of 1,000 readers, and the memory that they take. Beside it a plain server on `ws`, for which a PUT
 * is one fsynced write.
 */
export function measureWs(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 5, measured: 10, rest: 50 } : { warmUp: 20, measured: 50, rest: 100 };
  return withLeash(async (leash) => {
    const ours = await startOurs(leash);
    const bytes = await ours.readers.open(1);
    const floor = await startFloor(leash, bytes);
    await floor.readers.open(1);
    // What is loaded with the first reader is no memory of readers.
    const grown = await inTurn([ours, floor], async ({ server, readers: { open } }) => {
      const before = await neededMemory(server);
      await open(readers - 1);
      return (await neededMemory(server)) - before;
    });
    const told: number[][] = [[], []];
    const samples = [ours, floor].map((subject, index): Sample => {
      return async (round) => {
        const times = await tellAll(subject, round);
        if (round > rounds.warmUp) told[index]?.push(...times);
        return percentile(times, 50);
      };
    });
    try {
      await alternate(samples, rounds);
    } finally {
      for (const { readers } of [ours, floor]) readers.end();
    }
    return [
      ...[50, 99].map((percent): Measurement => {
        const [value = Number.NaN, least = Number.NaN] = told.map((times) => percentile(times, percent));
        const what = `PUT → told, of 1,000 WebSocket readers, p${percent}`;
        return { figure, what, unit: "ms", value, beside: { name: "plain ws", value: least }, bar: { ratio: 2 } };
      }),
      {
        figure,
        what: "memory of 1,000 WebSocket readers",
        unit: "MiB",
        value: grown[0] ?? Number.NaN,
        beside: { name: "plain ws", value: grown[1] ?? Number.NaN },
        bar: { atMost: 64 },
      },
    ];
  });
}

async function inTurn<Result>(subjects: readonly Subject[], work: (subject: Subject) => Promise<Result>) {
  const results: Result[] = [];
  for (const subject of subjects) results.push(await work(subject));
  return results;
}

interface Subject {
  readonly server: LeashedServer;
  readonly readers: Readers;
  readonly put: (round: number) => Promise<void>;
}

async function startOurs(leash: Leash): Promise<Subject> {
  const { folder, config } = newWorkspace(leash, { services: 1, outputsEach: 1, changes: "every output" });
  appendFileSync(config, `\n[bench]\nvalue = 0\n\n[api_key]\nkey = ${key}\n`);
  const port = await freePort();
  const settings = ["api:", `  listen: ["127.0.0.1:${port}"]`, "  max_connections: 2000"];
  appendFileSync(join(folder, "config-sync.yaml"), `${settings.join("\n")}\n`);
  const server = leash.start([...node, main, "start", "--workspace", folder, "--log", "json"]);
  await answers(`http://127.0.0.1:${port}/ready`);
  const url = `http://127.0.0.1:${port}/api/v1/settings/bench/value`;
  return {
    server,
    readers: startReaders(`ws://127.0.0.1:${port}/ws/default`),
    put: (round) => put(url, JSON.stringify({ value: `${round}` })),
  };
}

async function startFloor(leash: Leash, bytes: number): Promise<Subject> {
  const port = await freePort();
  const script = join(import.meta.dirname, "../ws-floor.ts");
  const server = leash.start([...node, script, `${port}`, `${bytes}`, join(leash.folder, "floor")]);
  const url = `http://127.0.0.1:${port}/`;
  await answers(url);
  return { server, readers: startReaders(`ws://127.0.0.1:${port}/`), put: () => put(url, "{}") };
}

/** Milliseconds from the request to the message, of each reader. */
async function tellAll({ readers, put }: Subject, round: number): Promise<number[]> {
  const from = machineTime();
  const [times] = await Promise.all([readers.next(), put(round)]);
  return times.map((at) => at - from);
}

async function put(url: string, body: string): Promise<void> {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const answer = await fetch(url, { method: "PUT", headers, body });
  const said = await answer.text();
  if (!answer.ok) throw new Error(said);
}

interface Readers {
  /** Resolves with the bytes of a first message. */
  readonly open: (more: number) => Promise<number>;
  /** When the next message came to each. */
  readonly next: () => Promise<number[]>;
  readonly end: () => void;
}

function startReaders(url: string): Readers {
  const script = join(import.meta.dirname, "../ws-readers.ts");
  const child = spawn(process.execPath, [script, url, key], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  return {
    open: async (more) => Number(await ask(child, lines, `open ${more}`)),
    next: async () => JSON.parse(await ask(child, lines, "wait")),
    end: () => void child.kill(),
  };
}

async function ask(child: ChildProcess, lines: Interface, command: string): Promise<string> {
  const answered = once(lines, "line");
  child.stdin?.write(`${command}\n`);
  const [line] = await answered;
  return line;
}

/** MiB, of what is no garbage. */
async function neededMemory({ pid, signal }: LeashedServer): Promise<number> {
  signal("SIGUSR2");
  await wait(500);
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}
