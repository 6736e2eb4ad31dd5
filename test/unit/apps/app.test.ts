import { describe, expect, test } from "vitest";
import { createApp } from "../../../src/apps/app.ts";
import type { Layer, Snapshot } from "../../../src/config/layers.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { Source } from "../../../src/sources/source.ts";

const digest = (text: string): string => text;

function source(name: string, say: () => Readonly<Record<string, string>>, more: Partial<Source> = {}): Source {
  const load = async (): Promise<Layer> => {
    const entries = Object.entries(say()).map(([key, value]) => ({
      path: key.split("."),
      value,
      origin: { source: name },
    }));
    return { source: name, protected: false, entries };
  };
  return { name, protected: false, load, ...more };
}

const broken = (name: string): Source =>
  source(name, () => {
    throw new ConfigSyncError("SOURCE_INVALID", `${name} is broken`);
  });

describe("a look", () => {
  test("at values that break a rule keeps the last good snapshot, and imagines on it", async () => {
    let port = "80";
    const findErrors = ({ entries }: Snapshot) =>
      entries.get("a.port")?.value === "bad" ? [new ConfigSyncError("VALUE_INVALID", "a.port is bad")] : [];
    const app = createApp("default", [source("one", () => ({ "a.port": port }))], digest, findErrors);
    const { snapshot } = await app.look();
    port = "bad";
    const second = await app.look();
    expect(second.snapshot).toBe(snapshot);
    expect(second.problems).toMatchObject([{ code: "VALUE_INVALID", message: "a.port is bad" }]);
    expect(second.documents.size).toBe(0);
    expect(app.imagine(new Map()).entries.get("a.port")?.value).toBe("80");
    port = "81";
    expect((await app.look()).problems).toEqual([]);
  });

  test("merges the sources from weak to strong, as they are at that moment", async () => {
    let port = "80";
    const app = createApp(
      "default",
      [source("weak", () => ({ "a.x": "1", "a.port": "1" })), source("strong", () => ({ "a.port": port }))],
      digest,
    );
    const first = await app.look();
    expect([...(first.snapshot?.entries ?? [])].map(([key, { value }]) => [key, value])).toEqual([
      ["a.port", "80"],
      ["a.x", "1"],
    ]);
    port = "81";
    const second = await app.look();
    expect(second.snapshot?.entries.get("a.port")?.value).toBe("81");
    expect((await app.look()).snapshot?.hash).toBe(second.snapshot?.hash);
  });

  test("at broken sources keeps the last good snapshot and names every problem", async () => {
    let fails = false;
    const moody = source("moody", () => {
      if (fails) throw new ConfigSyncError("SOURCE_INVALID", "moody is broken");
      return { "a.x": "1" };
    });
    const app = createApp("default", [moody, source("well", () => ({ "a.y": fails ? "2" : "1" }))], digest);
    const { snapshot } = await app.look();
    fails = true;
    const second = await app.look();
    expect(second.snapshot).toBe(snapshot);
    expect(second.problems.map(({ message }) => message)).toEqual(["moody is broken"]);
    const all = createApp("default", [broken("a"), broken("b")], digest);
    const nothing = await all.look();
    expect(nothing.problems).toHaveLength(2);
    expect(nothing.snapshot).toBeUndefined();
  });

  test("completes each source with what all the others said in it", async () => {
    const asking = source("asking", () => ({ "a.x": "?" }), {
      complete: (own, others) => ({
        ...own,
        entries: own.entries.map((entry) => ({ ...entry, value: others.map((layer) => layer.source).join("+") })),
      }),
    });
    const app = createApp("default", [source("one", () => ({})), asking, source("two", () => ({}))], digest);
    expect((await app.look()).snapshot?.entries.get("a.x")?.value).toBe("one+two");
  });

  test("that cannot complete a source is a problem like any other", async () => {
    const failing = source("s", () => ({}), {
      complete: () => {
        throw new ConfigSyncError("VALUE_MISSING", "no such key");
      },
    });
    const { snapshot, problems } = await createApp("default", [failing], digest).look();
    expect(snapshot).toBeUndefined();
    expect(problems).toMatchObject([{ code: "VALUE_MISSING" }]);
  });
});
