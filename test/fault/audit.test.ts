/**
 * A daemon that is ended with SIGKILL in the middle of concurrent changes, again and again: what was answered is on record, once,
 * what was not answered and is in the history all the same is so after the next start, and the chain is whole. `AUDIT_KILLS=200` makes a long run of it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { callDaemon } from "../../src/api/control-client.ts";
import { auditFolder } from "../../src/audit/files.ts";
import { listEntries } from "../../src/audit/query.ts";
import { verifyAudit } from "../../src/audit/verify.ts";
import { eventually } from "../support/action-context.ts";
import { makeWorkspace, type Workspace } from "../support/workspace.ts";

const kills = Number(process.env.AUDIT_KILLS ?? 5);
const writers = 4;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await makeWorkspace({
    "config.ini": "[a]\nvalue = 0\n",
    "config-sync.yaml": "sources: [{ file: config.ini }]\nservices: []\nroots: [services]\n",
  });
});
afterAll(() => workspace?.remove());

test(
  `${kills} kills lose no answered change`,
  async () => {
    const answered: string[] = [];
    let count = 0;

    /** Changes one value after the other until nobody answers any more. */
    const write = async (): Promise<void> => {
      for (;;) {
        const value = `${++count}`;
        const url = `/api/v1/settings/a/value?message=change-${value}`;
        const asked = callDaemon(workspace.at("state/daemon.sock"), { method: "PUT", url, body: { value } });
        const answer = await asked.catch(() => undefined);
        if (answer === undefined) return;
        if (answer.status === 200) answered.push(`change-${value}`);
      }
    };

    for (let kill = 0; kill < kills; kill++) {
      const daemon = workspace.startDaemon();
      await daemon.waitForLine(/watching/);
      const before = answered.length;
      const writing = Array.from({ length: writers }, write);
      // Somewhere in the middle of the changes, at another place each time.
      const enough = before + 1 + Math.floor(Math.random() * 20);
      while (answered.length < enough) await new Promise(setImmediate);
      await daemon.kill9();
      await Promise.all(writing);
      expect(answered.length).toBeGreaterThan(before);
    }

    const folder = auditFolder(workspace.at("state"));
    const recorded = listEntries(folder, { limit: 1e6 }).flatMap(({ what, why }) =>
      what === "change" ? (why ?? []) : [],
    );
    expect(new Set(recorded).size).toBe(recorded.filter((why) => why.startsWith("change-")).length + unnamed(recorded));
    expect(answered.filter((why) => !recorded.includes(why))).toEqual([]);
    // What the last kill tore is cut off when the next entry comes.
    const last = workspace.startDaemon();
    await last.waitForLine(/watching/);
    const url = "/api/v1/settings/a/value";
    await callDaemon(workspace.at("state/daemon.sock"), { method: "PUT", url, body: { value: "last" } });
    // Begins behind the first work, beside what is asked for.
    await eventually(() => expect(numbersOnRecord(folder)).toEqual(upTo(numbersOnRecord(folder).length)));
    await last.stop();
    expect((await verifyAudit(folder)).faults).toEqual([]);
  },
  60_000 + kills * 10_000,
);

/** Of revisions. */
function numbersOnRecord(folder: string): number[] {
  return listEntries(folder, { limit: 1e6 })
    .flatMap(({ revision }) => revision ?? [])
    .sort((a, b) => a - b);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** How many different ones are those of the files themselves. */
function unnamed(recorded: readonly string[]): number {
  return new Set(recorded.filter((why) => !why.startsWith("change-"))).size;
}
