import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { exchange } from "../plain-http.ts";
import { alternate, type Sample } from "../rounds.ts";
import { daemon, newWorkspace, subjectOn, withLeash } from "../subjects.ts";
import { writeAndSync } from "../write-and-sync.ts";

const sizes = [10, 1000, 100_000];
/** Keys of a section, and of a request that fills an app: less than 1 MiB. */
const inSection = 100;
const inRequest = 10_000;

/** A value of an app read, and set, durably: a change writes the whole tree. Beside them a request for nothing, and one fsynced write of 2 kB. */
export function measureApps(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 2, measured: 5, rest: 10 } : { warmUp: 10, measured: 50, rest: 20 };
  return withLeash(async (leash) => {
    const shape = { services: 1, outputsEach: 1, changes: "every output" } as const;
    const { folder } = await subjectOn(leash, newWorkspace(leash, shape), daemon);
    const path = join(folder, "state/daemon.sock");
    for (const size of sizes) await makeApp(path, size);
    const socket = connect(path);
    await once(socket, "connect");
    const file = openSync(join(leash.folder, "floor"), "a");
    const samples = [
      asking(socket, () => get("/health")),
      writeAndSync(file),
      ...sizes.flatMap((size) => [
        asking(socket, () => get(pathIn(size))),
        asking(socket, (change) => put(pathIn(size), `${change}`)),
      ]),
    ];
    const [nothing = [], floors = [], ...taken] = await alternate(samples, rounds);
    closeSync(file);
    socket.destroy();
    return sizes.flatMap((size, index) => {
      const keys = `an app of ${size.toLocaleString("en")} keys, p50`;
      const row = (what: string, ours: readonly number[], name: string, theirs: readonly number[]) => ({
        figure,
        what: `${what} ${keys}`,
        unit: "ms" as const,
        value: percentile(ours, 50),
        beside: { name, value: percentile(theirs, 50) },
        bar: {},
      });
      return [
        row("GET of a value in", taken[2 * index] ?? [], "GET /health", nothing),
        row("durable PUT of a value in", taken[2 * index + 1] ?? [], "write and fsync", floors),
      ];
    });
  });
}

async function makeApp(socketPath: string, size: number): Promise<void> {
  await send(socketPath, `/api/apps/of-${size}`, {});
  for (let first = 0; first < size; first += inRequest) {
    const tree: Record<string, Record<string, string>> = {};
    for (let key = first; key < Math.min(size, first + inRequest); key++) {
      const section = `section-${Math.floor(key / inSection)}`;
      tree[section] = { ...tree[section], [`key-${key}`]: `value ${key}` };
    }
    await send(socketPath, `/api/apps/of-${size}/config`, tree);
  }
}

async function send(socketPath: string, path: string, body: object): Promise<void> {
  const asked = request({ socketPath, path, method: "POST", headers: { "content-type": "application/json" } });
  asked.end(JSON.stringify(body));
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const said = await text(answer);
  if ((answer.statusCode ?? 500) >= 300) throw new Error(`POST ${path}: ${said.slice(0, 1000)}`);
}

function pathIn(size: number): string {
  return `/api/apps/of-${size}/config/section-0/key-5`;
}

function asking(socket: Socket, say: (change: number) => string): Sample {
  return async (change) => {
    const from = performance.now();
    await exchange(socket, say(change));
    return performance.now() - from;
  };
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
}

function put(path: string, value: string): string {
  const body = JSON.stringify({ value });
  const head = [`PUT ${path} HTTP/1.1`, "host: localhost", "content-type: application/json"];
  return `${head.join("\r\n")}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
