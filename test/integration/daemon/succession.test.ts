import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Running, runWorkspace } from "../../../src/daemon/running.ts";
import { createSuccession, type Reread, type Succession } from "../../../src/daemon/succession.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { type Workspace as Opened, openWorkspace } from "../../../src/workspace.ts";
import { makeWorkspace, type Workspace } from "../../support/workspace.ts";

const text = (more: string) => `sources: [{ file: config.ini }]\nservices: []\nroots: [.]\n${more}`;

let workspace: Workspace;
let succession: Succession;
let outcomes: Reread[];
/** So many runs fail next, as where the state folder fails just then. */
let failing: number;

const auditing = { append: async () => undefined, note: () => undefined };

async function run(opened: Opened): Promise<Running> {
  if (failing-- > 0) throw new ConfigSyncError("STATE_UNUSABLE", "the state folder cannot be used");
  return runWorkspace(opened, { tell: () => undefined, auditing, watch: false });
}

beforeEach(async () => {
  workspace = await makeWorkspace({ "config.ini": "[a]\nb = c\n", "config-sync.yaml": text("") });
  outcomes = [];
  failing = 0;
  const first = run(await openWorkspace(workspace.folder));
  await first;
  succession = createSuccession(first, { run, onReread: (outcome) => void outcomes.push(outcome) });
});

afterEach(async () => {
  await succession.stop();
  await workspace.remove();
});

const taken = () => outcomes.filter(({ kind }) => kind === "taken").length;

describe("a workspace that takes another's place", () => {
  test("is what everybody gets from the moment on that the old one ends", async () => {
    const old = await succession.current();
    await workspace.saveByRename("config-sync.yaml", text("secrets: [a.b]\n"));
    succession.reread();
    await expect.poll(taken).toBe(1);
    const now = await succession.current();
    expect(now).not.toBe(old);
    expect(now.workspace.settings.secrets).toEqual(["a.b"]);
    expect(outcomes).toMatchObject([{ kind: "taken", text: "read again: 0 services; other settings: secrets" }]);
  });

  test("is tried again and again where it cannot start, and who asks meanwhile waits", async () => {
    failing = 2;
    succession.reread();
    await expect.poll(() => outcomes[0]).toMatchObject({ kind: "refused" });
    expect(succession.problems()).toMatchObject([{ code: "STATE_UNUSABLE" }]);
    await (await succession.current()).engine.settled();
    await expect.poll(() => outcomes.map(({ kind }) => kind)).toEqual(["refused", "taken"]);
    expect(succession.problems()).toEqual([]);
  });

  test("is not waited for at the end", async () => {
    failing = Number.POSITIVE_INFINITY;
    succession.reread();
    await expect.poll(() => outcomes).toHaveLength(1);
    await succession.stop();
    await sleep(0);
    expect(taken()).toBe(0);
    await expect(succession.current()).rejects.toThrow("config-sync stops");
  });

  test("is the newest, however often it is asked for", async () => {
    for (const key of ["a.a", "a.b", "a.c"]) {
      await workspace.saveByRename("config-sync.yaml", text(`secrets: [${key}]\n`));
      succession.reread();
    }
    await expect.poll(async () => (await succession.current()).workspace.settings.secrets).toEqual(["a.c"]);
    await expect.poll(taken).toBeGreaterThan(0);
  });
});
