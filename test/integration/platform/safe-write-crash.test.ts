import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { recoverWrites } from "../../../src/platform/safe-write.ts";
import { useSandbox } from "./sandbox.ts";

const box = useSandbox();

const enough = Symbol("enough");

/** Kills a writer before its nth call for n = 1, 2, 3 … until one gets through or `check`, which looks at what each left, has seen enough. */
async function killAtEveryStep(
  path: string,
  text: string,
  prepare: () => void,
  check: (step: number) => Promise<unknown>,
) {
  const child = new URL("crash-child.ts", import.meta.url).pathname;
  for (let step = 1; step < 60; step++) {
    prepare();
    const args = [child, String(step), path, box.path("root"), box.path("journal"), text];
    const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    if (signal === null) {
      expect(status).toBe(0);
      return step - 1;
    }
    if ((await check(step)) === enough) return step;
  }
  throw new Error("the writer never got through");
}

describe("a writer that is killed", () => {
  it("leaves the old or the new file, never something else, and no staging after recovery", async () => {
    const root = box.folder("root");
    const path = `${root}/app.ini`;
    const outcomes = new Set<string>();
    const steps = await killAtEveryStep(
      path,
      "new content\n",
      () => writeFileSync(path, "old\n"),
      async () => {
        outcomes.add(readFileSync(path, "utf8"));
        await recoverWrites(box.path("journal"), [root]);
        expect(readdirSync(root)).toEqual(["app.ini"]);
      },
    );
    expect(steps).toBeGreaterThan(5);
    expect([...outcomes].sort()).toEqual(["new content\n", "old\n"]);
  });

  it("leaves no new file that is half written, or readable for more than it should be", async () => {
    const root = box.folder("root");
    const path = `${root}/new/app.ini`;
    await killAtEveryStep(
      path,
      "new content\n",
      () => {},
      async () => {
        for (const name of existsSync(`${root}/new`) ? readdirSync(`${root}/new`) : []) {
          const { size, mode } = statSync(`${root}/new/${name}`);
          if (size > 0) expect(mode & 0o777).toBe(0o640);
        }
        if (existsSync(path)) {
          expect(readFileSync(path, "utf8")).toBe("new content\n");
        }
        await recoverWrites(box.path("journal"), [`${root}/new`]);
        if (existsSync(`${root}/new`))
          expect(readdirSync(`${root}/new`).filter((name) => name !== "app.ini")).toEqual([]);
      },
    );
  });

  it.each([
    ["shorter", "old content\n".repeat(100), "new\n"],
    ["longer", "old\n", "new content\n".repeat(800)],
  ])("in the middle of a write in place (%s) leaves a file that recovery makes whole", async (_, before, after) => {
    const source = `${box.folder("host")}/app.ini`;
    const path = `${box.folder("root")}/app.ini`;
    writeFileSync(source, before);
    writeFileSync(path, "");
    box.bind(source, path);
    let finished = 0;
    const steps = await killAtEveryStep(
      path,
      after,
      () => writeFileSync(source, before),
      async (step) => {
        expect(statSync(source).size, `step ${step}`).toBeGreaterThan(0);
        const told = await recoverWrites(box.path("journal"), [box.path("root")]);
        if (told.some((line) => line.startsWith("Finished"))) finished++;
        expect([before, after], `step ${step}`).toContain(readFileSync(source, "utf8"));
        if (existsSync(box.path("journal"))) expect(box.list("journal")).toEqual([]);
      },
    );
    expect(steps).toBeGreaterThan(12);
    expect(finished).toBeGreaterThan(0);
  });

  it("does not overwrite what somebody else wrote after it", async () => {
    const source = `${box.folder("host")}/app.ini`;
    const path = `${box.folder("root")}/app.ini`;
    writeFileSync(source, "old\n");
    writeFileSync(path, "");
    box.bind(source, path);
    let left = 0;
    await killAtEveryStep(
      path,
      "new content\n",
      () => writeFileSync(source, "old\n"),
      async () => {
        writeFileSync(source, "by hand\n");
        const told = await recoverWrites(box.path("journal"), [box.path("root")]);
        if (told.some((line) => line.startsWith("Left"))) left++;
        expect(readFileSync(source, "utf8")).toBe("by hand\n");
        return left > 0 ? enough : undefined;
      },
    );
    expect(left).toBeGreaterThan(0);
  });
});
