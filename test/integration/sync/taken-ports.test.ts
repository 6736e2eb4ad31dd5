import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findListeners } from "../../../src/platform/listeners.ts";
import { adviseOn, findBadChanges } from "../../../src/sync/advice.ts";
import { schemaOf, snapshotOf } from "../../unit/config/rules/support.ts";

const servers: Server[] = [];
let taken: number;
let takenOnSix: number;

async function listen(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as { port: number }).port;
}

beforeAll(async () => {
  taken = await listen("127.0.0.1");
  takenOnSix = await listen("::1");
});
afterAll(() => {
  for (const server of servers) server.close();
});

const schema = schemaOf({
  a: { port: { type: "port" } },
  b: { port: { type: "port", if_taken: "refuse" } },
  inner: { port: { type: "port", network: "container" } },
});
/** As the services were given them. */
const run = (...keys: Record<string, string>[]) => ({ keys, digest: (text: string) => `digest of ${text}` });
const on = (port: number | string): string => `digest of ${port}`;

async function advice(values: Record<string, string>, loaded: ReturnType<typeof run>): Promise<string[]> {
  const found = await adviseOn({ schema, sections: new Map(), snapshot: snapshotOf(values), loaded });
  return found.map(({ severity, message }) => `${severity} ${message}`);
}

test("a listener is found on either protocol, with its program, and nobody where nobody is", async () => {
  const found = await findListeners([taken, takenOnSix, 1]);
  expect([...found.keys()].toSorted()).toEqual([taken, takenOnSix].toSorted());
  for (const { program } of found.values()) expect(program).toMatch(new RegExp(`\\(pid ${process.pid}\\)$`));
});

describe("a port that another program listens on", () => {
  test("is a warning where it is new, or an error where the schema says so; with the program", async () => {
    const values = { "a.port": `${taken}`, "b.port": `${takenOnSix}` };
    const said = `is a port that \\S+ \\(pid ${process.pid}\\) listens on already$`;
    expect(await advice(values, run({ "a.port": on(1), "b.port": on(2) }))).toEqual([
      expect.stringMatching(`^warning a.port ${said}`),
      expect.stringMatching(`^error b.port ${said}`),
    ]);
  });

  test("is nobody's business where its service runs on it already", async () => {
    expect(await advice({ "a.port": `${taken}` }, run({ "a.port": on(taken) }))).toEqual([]);
  });

  test("nor where another of our services has it still, and gives it up", async () => {
    const changing = run({ "a.port": on(1) }, { "b.port": on(taken) });
    expect(await advice({ "a.port": `${taken}`, "b.port": "2" }, changing)).toEqual([]);
  });

  test("nor where no service was ever given the key, in another network, or where nobody listens", async () => {
    expect(await advice({ "a.port": `${taken}` }, run({}))).toEqual([]);
    expect(await advice({ "inner.port": `${taken}` }, run({ "inner.port": on(1) }))).toEqual([]);
    expect(await advice({ "a.port": "1" }, run({ "a.port": on(2) }))).toEqual([]);
  });

  test("stands in the way of a change to it, where the schema says so", async () => {
    const loaded = run({ "a.port": on(1), "b.port": on(2) });
    const values = snapshotOf({ "a.port": `${taken}`, "b.port": `${takenOnSix}` });
    const bad = (...changed: string[]) => findBadChanges(schema, values, new Set(changed), loaded);
    expect(await bad("b.port")).toMatchObject([{ code: "VALUE_INVALID", key: "b.port" }]);
    expect(await bad("a.port")).toEqual([]);
    expect(await bad("inner.port")).toEqual([]);
  });
});
