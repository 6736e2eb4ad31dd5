import { closeSync, ftruncateSync, openSync, renameSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { reveal } from "../../../src/config/secret.ts";
import { useSandbox } from "../platform/sandbox.ts";
import { openSource, readK, text, useFollow } from "./follow.ts";

const box = useSandbox();
const follow = useFollow();

describe("half a file is never taken for the whole", () => {
  const whole = (value: string): string => `${text(value)}${"# filler\n".repeat(400)}[end]\nlast = ${value}\n`;

  /** Keeps what was not written together, start and end. */
  async function watchWhole(path: string) {
    const torn: unknown[] = [];
    const seen = new Set<string>();
    // Three times the usual: this process, which also writes, may be held up for longer than 20 ms on a busy machine.
    await follow(openSource(path, { quiet: 60 }), (outcome) => {
      seen.add(readK(outcome));
      if ("code" in outcome) torn.push(outcome.toText());
      else {
        const last = outcome.entries.find(({ path }) => path[0] === "end");
        if (readK(outcome) !== (last && reveal(last.value))) torn.push(outcome.entries);
      }
    });
    return { torn, seen };
  }

  const openings: [string, (path: string) => number][] = [
    ["truncated", (path) => openSync(path, "w")],
    [
      "deleted and created",
      (path) => {
        unlinkSync(path);
        return openSync(path, "w");
      },
    ],
    [
      "set aside and created",
      (path) => {
        renameSync(path, `${path}~`);
        return openSync(path, "w");
      },
    ],
    ["opened and overwritten", (path) => openSync(path, "r+")],
  ];

  it.each(openings)("%s and written in pieces with pauses shorter than the quiet window", async (_, start) => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, whole("0"));
    const { torn, seen } = await watchWhole(path);
    for (let round = 1; round <= 8; round++) {
      const content = whole(String(round));
      const fd = start(path);
      for (let at = 0; at < content.length; at += 900) {
        writeSync(fd, content.slice(at, at + 900), at);
        // A busy wait: a timer may take far longer than asked on a loaded machine.
        for (const end = performance.now() + 4; performance.now() < end; )
          await new Promise((resolve) => setImmediate(resolve));
      }
      ftruncateSync(fd, content.length);
      closeSync(fd);
      while (!seen.has(String(round))) await wait(5);
    }
    expect(torn).toEqual([]);
  });

  it("when the folder above was replaced, and the old one's events are taken for the new one's", async () => {
    const path = `${box.folder("deep", "conf")}/config.ini`;
    writeFileSync(path, whole("0"));
    const { torn, seen } = await watchWhole(path);
    const fd = openSync(`${box.folder("next", "conf")}/config.ini`, "w");
    writeSync(fd, whole("1").slice(0, 900));
    renameSync(box.path("deep"), box.path("old"));
    renameSync(box.path("next"), box.path("deep"));
    unlinkSync(box.path("old", "conf", "config.ini"));
    await wait(10);
    writeSync(fd, whole("1").slice(900));
    closeSync(fd);
    while (!seen.has("1")) await wait(5);
    expect(torn).toEqual([]);
  });

  it("says that it is unstable when it never rests", async () => {
    const path = `${box.folder("conf")}/config.ini`;
    writeFileSync(path, text("0"));
    let index = 0;
    const timer = setInterval(() => writeFileSync(path, text(String(index++))), 5);
    try {
      await expect(openSource(path).load()).rejects.toMatchObject({ code: "SOURCE_UNSTABLE", retryable: true });
    } finally {
      clearInterval(timer);
    }
  });
});
