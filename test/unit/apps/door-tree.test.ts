import { expect, test } from "vitest";
import { createDoorTree } from "../../../src/apps/door-tree.ts";
import type { TreeChanged } from "../../../src/apps/tree-app.ts";
import { diffSnapshots } from "../../../src/config/diff.ts";
import { type Entry, mergeLayers, type Snapshot } from "../../../src/config/layers.ts";
import { Secret } from "../../../src/config/secret.ts";

function snapshotOf(values: Readonly<Record<string, string | Secret>>): Snapshot {
  const entries = Object.entries(values).map(([key, value]): Entry => {
    return { path: ["mail", key], value, origin: { source: "config.ini" } };
  });
  return mergeLayers([{ source: "config.ini", protected: false, entries }], (text) => `digest of ${text}`);
}

function revisionOf(number: number) {
  return { number, parent: number - 1 || null, author: "test", at: 0, message: "", hash: `${number}` };
}

/** An app whose values are what the test says; a change is asked for and then comes by itself. */
function createHost(first: Snapshot) {
  let snapshot = first;
  let number = 1;
  let listener = (): void => undefined;
  const put = (next: Snapshot): void => {
    snapshot = next;
    number++;
    listener();
  };
  let wanted = first;
  const tree = createDoorTree({
    name: "default",
    current: () => ({ snapshot, head: revisionOf(number), problems: [] }),
    change: async () => {
      const changes = diffSnapshots(snapshot, wanted);
      put(wanted);
      return { revision: revisionOf(number), changes };
    },
    rehearse: async () => undefined,
    isWritable: () => true,
    isSecret: () => false,
    lookAgain: async () => undefined,
    revisions: async () => [],
    revision: async () => undefined,
    read: async () => snapshot,
    listen: (tell) => {
      listener = tell;
    },
  });
  const told: TreeChanged[] = [];
  tree.watch((changed) => void told.push(changed));
  return { tree, told, put, want: (next: Snapshot) => (wanted = next) };
}

// Sealed where it stands, or made of a secret: nothing in its name says so.
const sealed = snapshotOf({ dsn: new Secret("smtp://planted"), port: "25" });

test("a secret that is removed, or is none any more, is still marked as one where it is told", () => {
  for (const after of [snapshotOf({ port: "25" }), snapshotOf({ dsn: "smtp://open", port: "25" })]) {
    const { tree, told, put } = createHost(sealed);
    expect(tree.isSecret(["mail", "dsn"])).toBe(true);
    put(after);
    expect(tree.isSecret(["mail", "dsn"])).toBe(false);
    expect(told.flatMap(({ changes }) => changes)).toMatchObject([{ path: "mail.dsn", secret: true }]);
  }
});

test("so it is in the answer to who changed it", async () => {
  const { tree, want } = createHost(sealed);
  want(snapshotOf({ port: "26" }));
  const { changes } = await tree.change({ edits: [{ path: ["mail", "dsn"] }], author: "test", message: "" });
  expect(changes.map(({ path, secret = false }) => [path, secret])).toEqual([
    ["mail.port", false],
    ["mail.dsn", true],
  ]);
});
