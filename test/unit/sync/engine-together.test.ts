import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ConfigSyncError } from "../../../src/errors.ts";
import { eventually } from "../../support/action-context.ts";
import { addContainer, type Bed, makeBed } from "./engine-bed.ts";

let bed: Bed;

afterEach(() => bed.remove());

const names = ["gateway", "proxy", "console"] as const;

/** Three services in one group; each is healthy unless its file holds 666, and its check refuses 999. */
async function startGroup(): Promise<Map<string, ReturnType<typeof addContainer>>> {
  const manifest = (name: string, more: string): string => `outputs:
  - path: out/${name}.env
    format: "env:compose"
    template: env.hbs
    check: [grep, -qv, "999", "{{staged}}"]
reload: [{ docker: { container: ${name}, action: restart } }]
probe: { docker: { container: ${name} }, backoff: { initial: 10ms, factor: 1, max: 10ms, give_up: 100ms } }
${more}`;
  bed = await makeBed(
    {
      gateway: manifest("gateway", "with: [proxy, console]"),
      proxy: manifest("proxy", ""),
      console: manifest("console", ""),
      lone: manifest("lone", ""),
    },
    Object.fromEntries([...names, "lone"].map((name) => [`${name}/env.hbs`, `PORT={{${name}.port}}\n`])),
  );
  const containers = new Map(
    [...names, "lone"].map((name) => [
      name,
      addContainer(bed, name, { isHealthy: async () => !(await bed.read(`${name}.env`)).includes("666") }),
    ]),
  );
  bed.say(ports(1, 1, 1));
  await bed.start();
  await bed.engine().settled();
  return containers;
}

function ports(gateway: number, proxy: number, console: number, lone = gateway): Record<string, string> {
  const given = { gateway, proxy, console, lone };
  return Object.fromEntries(Object.entries(given).map(([name, port]) => [`${name}.port`, String(port)]));
}

async function written(): Promise<string[]> {
  return Promise.all(names.map(async (name) => (await bed.read(`${name}.env`)).trim().replace("PORT=", "")));
}

test("what all of a group are healthy on stays, and no way back is kept", async () => {
  await startGroup();
  await bed.change(ports(2, 2, 2));
  expect(await written()).toEqual(["2", "2", "2"]);
  for (const name of names) expect(bed.record(name)).toMatchObject({ standby: undefined, quarantine: undefined });
});

describe.each([
  ["is unhealthy on it", 666],
  ["refuses it", 999],
])("where one of a group %s", (_, bad) => {
  test("the others go back with it, and who is not of the group does not", async () => {
    const containers = await startGroup();
    await bed.change(ports(2, 2, bad));
    expect(await written()).toEqual(["1", "1", "1"]);
    expect(await bed.read("lone.env")).toBe("PORT=2\n");
    for (const name of names) expect(bed.record(name)).toMatchObject({ undo: undefined, standby: undefined });
    expect(bed.record("gateway").quarantine).toMatchObject({ because: { service: "console" } });
    expect(bed.record("gateway").trouble?.message).toContain("it changes together with console, which failed");
    // Nothing is done any more, however often somebody looks.
    const restarts = [...containers.values()].map((container) => container.restarts);
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect([...containers.values()].map((container) => container.restarts)).toEqual(restarts);
  });

  test("all of them take the next good values, also those that did not change again", async () => {
    await startGroup();
    await bed.change(ports(2, 2, bad));
    await bed.change(ports(2, 2, 3));
    expect(await written()).toEqual(["2", "2", "3"]);
    for (const name of names)
      expect(bed.record(name)).toMatchObject({ standby: undefined, quarantine: undefined, trouble: undefined });
  });

  test("a change that it has no part in is held back until it is mended", async () => {
    await startGroup();
    await bed.change(ports(1, 1, bad));
    await bed.change(ports(2, 1, bad));
    expect(await written()).toEqual(["1", "1", "1"]);
    await bed.change(ports(2, 1, 1));
    expect(await written()).toEqual(["2", "1", "1"]);
  });
});

test("a failure that comes after a restart of the daemon still takes the others back", async () => {
  await startGroup();
  bed.say(ports(2, 2, 666));
  void bed.engine().lookAgain();
  await eventually(() => expect(bed.record("gateway").standby).toBeDefined());
  await bed.stop();
  await bed.start();
  await bed.engine().settled();
  expect(await written()).toEqual(["1", "1", "1"]);
});

test("a value that one of them cannot be rendered with holds the others back", async () => {
  await startGroup();
  const { "console.port": _, ...rest } = ports(2, 2, 2);
  await bed.change(rest);
  expect(await written()).toEqual(["1", "1", "1"]);
  expect(bed.steps("gateway").at(-1)).toBe("waiting");
  await bed.change(ports(2, 2, 2));
  expect(await written()).toEqual(["2", "2", "2"]);
});

test("a retry of the one that failed is a retry of all", async () => {
  await startGroup();
  await bed.change(ports(2, 2, 666));
  for (const container of bed.containers.values()) container.isHealthy = () => true;
  bed.engine().retry("console");
  await bed.engine().settled();
  expect(await written()).toEqual(["2", "2", "666"]);
});

describe("where the file of one of a group cannot be merged into", () => {
  /** The console's file is merged; it is told last, so that the others are ahead of it. */
  async function startMerging(): Promise<void> {
    const manifest = (
      name: string,
      output: string,
    ): string => `outputs: [{ path: out/${name}, template: t.hbs, ${output} }]
reload: [{ docker: { container: ${name}, action: restart } }]
probe: { docker: { container: ${name} }, backoff: { initial: 10ms, factor: 1, max: 10ms, give_up: 100ms } }
`;
    bed = await makeBed(
      {
        gateway: `${manifest("gateway", "format: env:compose")}with: [console]\n`,
        console: `${manifest("console", "format: json, merge: true")}depends_on: [gateway]\n`,
        other: manifest("other", "format: env:compose"),
      },
      {
        "gateway/t.hbs": "PORT={{all.port}}\n",
        "console/t.hbs": '{ "port": {{number all.port}}, "name": {{console.name}} }\n',
        "other/t.hbs": "PORT={{all.port}}\n",
      },
    );
    for (const name of ["gateway", "console", "other"]) addContainer(bed, name);
    bed.say({ "all.port": "1", "console.name": "one" });
    await bed.start();
    await bed.engine().settled();
  }

  const breakFile = () => writeFile(path.join(bed.folder, "out/console"), '{ "port": 1, "own": ');
  const mendFile = () => writeFile(path.join(bed.folder, "out/console"), '{ "port": 1, "name": "one", "own": true }');

  test("none takes the change, until the file is mended: then all do", async () => {
    await startMerging();
    await breakFile();
    await bed.change({ "all.port": "2", "console.name": "one" });
    expect(await bed.read("gateway")).toBe("PORT=1\n");
    expect(await bed.read("other")).toBe("PORT=2\n");
    expect(await bed.read("console")).toBe('{ "port": 1, "own": ');
    expect(await bed.status("console")).toMatchObject({ state: "refused", trouble: { code: "PARSE_FAILED" } });
    expect(bed.record("gateway").trouble?.message).toContain("it changes together with console, which failed");
    const told = bed.events.length;
    bed.engine().lookAtEverything();
    await bed.engine().settled();
    expect(bed.events.slice(told)).toEqual([]);

    await mendFile();
    await eventually(async () => expect(await bed.read("gateway")).toBe("PORT=2\n"));
    await bed.engine().settled();
    expect(JSON.parse(await bed.read("console"))).toEqual({ port: 2, name: "one", own: true });
    for (const name of ["gateway", "console"])
      expect(bed.record(name)).toMatchObject({ standby: undefined, quarantine: undefined, trouble: undefined });
  });

  test("a change that it has no part in goes on", async () => {
    await startMerging();
    await breakFile();
    await bed.engine().settled();
    await bed.change({ "all.port": "1", "console.name": "two" });
    expect(bed.record("gateway").quarantine).toBeUndefined();
    expect(await bed.status("gateway")).toMatchObject({ state: "healthy" });
  });

  test("who is ahead when it breaks has a way back all the same", async () => {
    await startMerging();
    const gateway = bed.containers.get("gateway");
    if (gateway !== undefined) gateway.isHealthy = async () => !(await bed.read("gateway")).includes("666");
    // It is told, and its file is broken before anybody knows whether it is well.
    const told = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const container = bed.containers.get("console");
    if (container !== undefined)
      container.onRestart = async () => {
        told.resolve();
        await go.promise;
        throw new ConfigSyncError("UNREACHABLE", "away");
      };
    bed.say({ "all.port": "2", "console.name": "one" });
    void bed.engine().lookAgain();
    await told.promise;
    expect(await bed.read("gateway")).toBe("PORT=2\n");
    await breakFile();
    if (container !== undefined) container.onRestart = () => undefined;
    go.resolve();
    await eventually(async () => expect(await bed.read("gateway")).toBe("PORT=1\n"));
    await bed.engine().settled();
    // The file as it was comes back, and so nothing stands in the way of another try.
    await eventually(async () => expect(await bed.read("gateway")).toBe("PORT=2\n"));
    await bed.engine().settled();
    expect(JSON.parse(await bed.read("console"))).toEqual({ port: 2, name: "one" });
  });
});
