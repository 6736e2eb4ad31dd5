import { describe, expect, test } from "vitest";
import { createQueue } from "../../../src/sync/queue.ts";

/** A queue whose turns end when the test says so. */
function controlledQueue(parallel: number, after?: (name: string) => string[]) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = createQueue({
    parallel,
    ...(after === undefined ? {} : { after }),
    run: (name) => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    },
  });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, started, end };
}

describe("queue", () => {
  test("a name that is added twice before its turn runs once", async () => {
    const { queue, started, end } = controlledQueue(1);
    queue.add("a");
    queue.add("b");
    queue.add("b");
    await end("a");
    await end("b");
    await queue.idle();
    expect(started).toEqual(["a", "b"]);
  });

  test("a name that is added while it runs runs once more, and never twice at once", async () => {
    const { queue, started, end } = controlledQueue(8);
    queue.add("a");
    queue.add("a");
    queue.add("a");
    expect(started).toEqual(["a"]);
    await end("a");
    expect(started).toEqual(["a", "a"]);
    await end("a");
    await queue.idle();
    expect(started).toEqual(["a", "a"]);
  });

  test("no more run side by side than allowed", async () => {
    const { queue, started, end } = controlledQueue(2);
    for (const name of ["a", "b", "c"]) queue.add(name);
    expect(started).toEqual(["a", "b"]);
    await end("b");
    expect(started).toEqual(["a", "b", "c"]);
  });

  test("a name waits for what it comes after, queued or running; others do not", async () => {
    const { queue, started, end } = controlledQueue(8, (name) => (name === "app" ? ["db"] : []));
    queue.add("db");
    queue.add("app");
    queue.add("other");
    expect(started).toEqual(["db", "other"]);
    await end("db");
    expect(started).toEqual(["db", "other", "app"]);
  });

  test("of two dates the earlier stands, and a plain add comes before both", async () => {
    const started: string[] = [];
    const queue = createQueue({ parallel: 1, run: async (name) => void started.push(name) });
    queue.addAfter("a", 60_000);
    queue.addAfter("a", 1);
    await expect.poll(() => started).toEqual(["a"]);
    queue.addAfter("a", 60_000);
    queue.add("a");
    await queue.idle();
    expect(started).toEqual(["a", "a"]);
    await queue.close();
  });

  test("closing drops what is queued or dated and waits for what runs", async () => {
    const { queue, started, end } = controlledQueue(1);
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 1);
    const closed = queue.close();
    queue.add("d");
    await end("a");
    await closed;
    expect(started).toEqual(["a"]);
  });
});
