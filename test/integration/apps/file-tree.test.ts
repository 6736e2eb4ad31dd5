import { hash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileTree, openFileTree } from "../../../src/apps/file-tree.ts";
import type { TreeChanged } from "../../../src/apps/tree-app.ts";
import type { Json } from "../../../src/config/json.ts";
import { secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import type { History } from "../../../src/history/history.ts";
import { memoryHistory } from "../../../src/history/memory.ts";

/** An app in a file, where file and history do not go together. */

let folder: string;
let history: History;
/** Called when a revision was recorded, before anybody is told. */
let onRecorded: () => void;
let failing: ConfigSyncError | undefined;
let open: FileTree[];
let told: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "config-sync-file-tree-"));
  history = memoryHistory();
  onRecorded = () => undefined;
  failing = undefined;
  open = [];
  told = [];
});

afterEach(async () => {
  for (const tree of open) await tree.stop();
  rmSync(folder, { recursive: true });
});

const by = { author: "ann", message: "because" };
const inFolder = (name: string) => path.join(folder, name);

async function openTree(name: string, text: string): Promise<FileTree> {
  writeFileSync(inFolder(name), text);
  const tree = await openFileTree({
    name: "default",
    path: inFolder(name),
    history: { ...history, append },
    clock: { now: () => 1 },
    digest: (text) => hash("sha256", text),
    isSecret: secretPaths([]),
    journal: inFolder("journal"),
    tell: (text) => told.push(text),
  });
  open.push(tree);
  return tree;
}

const append: History["append"] = async (...args) => {
  if (failing !== undefined) throw failing;
  const revision = await history.append(...args);
  onRecorded();
  return revision;
};

const set = (tree: FileTree, at: string[], value: Json) => tree.change({ ...by, edits: [{ path: at, value }] });

test("what the file says already is no revision, however it is written there", async () => {
  const ini = await openTree("app.ini", "[server]\nport = 80\n");
  expect(await set(ini, ["server", "port"], 80)).toMatchObject({ changes: [], revision: { number: 1 } });
  expect(await set(ini, ["none"], {})).toMatchObject({ changes: [], revision: { number: 1 } });
  expect(await set(ini, ["server", "port"], 81)).toMatchObject({ revision: { number: 2 } });
});

test("an edit by hand that cannot be recorded is not lost to the next change, and is taken up when it can be", async () => {
  const tree = await openTree("app.yaml", "port: 80\nhost: a\n");
  failing = new ConfigSyncError("HISTORY_UNUSABLE", "the disk is full");
  writeFileSync(inFolder("app.yaml"), "port: 80\nhost: b\n");
  await expect.poll(() => told.join()).toContain("the disk is full");
  await expect(set(tree, ["port"], 81)).rejects.toMatchObject({ code: "HISTORY_UNUSABLE" });
  failing = undefined;
  await set(tree, ["port"], 82);
  expect(readFileSync(inFolder("app.yaml"), "utf8")).toBe("port: 82\nhost: b\n");
  expect(await tree.revisions({ limit: 9 })).toMatchObject([
    { author: "ann" },
    { author: "file", message: "edited in the file: host" },
    { author: "file" },
  ]);
});

test("an edit by hand that could not be recorded is recorded when that works again, though nobody asks", async () => {
  const tree = await openTree("app.yaml", "port: 80\n");
  failing = new ConfigSyncError("HISTORY_UNUSABLE", "the disk is full");
  writeFileSync(inFolder("app.yaml"), "port: 81\n");
  await expect.poll(() => told.join()).toContain("the disk is full");
  failing = undefined;
  await expect.poll(() => tree.current().data).toEqual({ port: 81 });
});

test("goes on from what there is where a change was recorded and then somebody else's edit stood in the file", async () => {
  const tree = await openTree("app.yaml", "port: 80\n");
  const seen: TreeChanged[] = [];
  tree.watch((changed) => seen.push(changed));
  onRecorded = () => {
    onRecorded = () => undefined;
    writeFileSync(inFolder("app.yaml"), "port: 90\n");
  };
  await expect(set(tree, ["port"], 81)).rejects.toMatchObject({ code: "REVISION_MOVED" });
  expect(tree.current()).toMatchObject({ data: { port: 90 }, revision: { number: 3, author: "file" } });
  expect(seen.map(({ changes }) => changes)).toEqual([[{ path: "port", kind: "changed", before: 80, after: 90 }]]);
  expect(await set(tree, ["port"], 91)).toMatchObject({ revision: { number: 4 } });
});

test("does not make a file that it would not read again", async () => {
  const tree = await openTree("app.json", "{}\n");
  await expect(set(tree, ["a"], "x".repeat(16 * 1024 ** 2))).rejects.toMatchObject({ code: "TOO_LARGE" });
  expect(readFileSync(inFolder("app.json"), "utf8")).toBe("{}\n");
});
