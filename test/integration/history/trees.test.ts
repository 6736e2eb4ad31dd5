import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TreeApp } from "../../../src/apps/tree-app.ts";
import { openTrees } from "../../../src/apps/trees.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { gitHistory } from "../../../src/history/git.ts";
import type { History } from "../../../src/history/history.ts";

/** Apps over the history that daemons have: what is in its journal, and what git has already. */

let folder: string;
let history: History;

const open = () =>
  openTrees({ name: "default" } as TreeApp, {
    history: () => history,
    clock: { now: Date.now },
    digest: (text) => hash("sha256", text),
    isSecret: secretPaths([]),
  });

/** As by another process, later: the journal is drained into git on the way. */
async function reopen(): Promise<void> {
  await history.close();
  history = await gitHistory({ folder });
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-sync-trees-"));
  history = await gitHistory({ folder });
});

afterEach(async () => {
  await history.close();
  await rm(folder, { recursive: true });
});

const by = { author: "ann", message: "because" };

test("an app is what it was, with its schema and its versions, and so is one that was removed and made again", async () => {
  const schema = { properties: { n: { type: "integer" } } };
  const first = await open();
  const shop = await first.create("shop", { data: { n: 1, text: "ü" }, schema }, by);
  await first.create("gone", { data: { old: true } }, by);
  await shop.change({ ...by, edits: [{ path: ["n"], value: 2 }] });
  await first.remove("gone", by);
  for (const round of ["journal", "git"]) {
    const again = await open();
    expect(again.names(), round).toEqual(["default", "shop"]);
    expect(again.get("shop")?.current()).toMatchObject({ data: { n: 2, text: "ü" }, schema, revision: { number: 2 } });
    expect((await again.get("shop")?.at(1))?.data).toEqual({ n: 1, text: "ü" });
    await reopen();
  }
  const again = await open();
  const gone = await again.create("gone", { data: { new: true } }, by);
  expect(gone.current().revision.number).toBe(3);
  expect((await gone.at(1))?.data).toEqual({ old: true });
  expect(await gone.at(2)).toBeUndefined();
  expect((await gone.revisions({ limit: 9 })).map(({ number }) => number)).toEqual([3, 2, 1]);
  await reopen();
  expect((await open()).names()).toEqual(["default", "gone", "shop"]);
});

test("git shows an app as a folder with a key a line", async () => {
  const trees = await open();
  await trees.create("shop", { data: { server: { port: 80 } } }, by);
  await reopen();
  const text = execFileSync("git", ["show", "main:shop/config.json"], { cwd: folder, encoding: "utf8" });
  expect(text).toBe('{\n  "server": {\n    "port": 80\n  }\n}\n');
});
