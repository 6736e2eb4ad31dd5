import path from "node:path";
import { expect, test } from "vitest";
import { readHead } from "../../../src/audit/files.ts";
import { listEntries } from "../../../src/audit/query.ts";
import { createAuditing } from "../../../src/daemon/auditing.ts";
import { snapshotOf } from "../config/rules/support.ts";
import { makeAudit, told } from "./bed.ts";

const passwords = (count: number, what: string) => {
  const names = Array.from({ length: count }, (_, index) => [`s.p${index}`, `${what}-${index}-secret`] as const);
  return snapshotOf(
    Object.fromEntries(names),
    names.map(([key]) => key),
  );
};

test("a reason is masked by every secret in force, however many, and by those that were so before", async () => {
  const { folder } = makeAudit();
  let snapshot = passwords(2, "former");
  const state = path.dirname(folder);
  const auditing = createAuditing({ state, snapshot: () => snapshot, onTrouble: () => undefined });
  const say = async (why: string) => {
    await auditing.append(told({ why }));
    return listEntries(folder, { limit: 1 })[0]?.why;
  };
  expect(await say("was former-1-secret")).toBe("was [secret]");
  snapshot = passwords(1100, "present");
  expect(await say("first present-0-secret, last present-1099-secret, and former-1-secret")).toBe(
    "first [secret], last [secret], and [secret]",
  );
});

test("when all is settled, the head is the newest entry", async () => {
  const { folder } = makeAudit();
  const auditing = createAuditing({
    state: path.dirname(folder),
    snapshot: () => undefined,
    onTrouble: () => undefined,
  });
  for (const seq of [1, 2, 3]) {
    await auditing.append(told());
    await auditing.settled();
    expect(readHead(folder)).toMatchObject({ seq });
  }
});
