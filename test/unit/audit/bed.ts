import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { type Audit, openAudit } from "../../../src/audit/audit.ts";
import type { Told } from "../../../src/audit/entry.ts";

/** For as long as the test takes: a folder of its own, and an audit log in it with a clock that goes on by a second an entry. */
export function makeAudit(rotateAbove = 600): { readonly folder: string; readonly open: () => Audit } {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), "config-sync-audit-")), "audit");
  onTestFinished(() => rmSync(path.dirname(folder), { recursive: true, force: true }));
  let now = 0;
  const clock = {
    now: () => {
      now += 1000;
      return now;
    },
  };
  return { folder, open: () => openAudit({ folder, clock, rotateAbove }) };
}

export function told(over: Partial<Told> = {}): Told {
  const who = { name: "ann", kind: "user" };
  return { who, from: "127.0.0.1", what: "change", why: "größer", app: "default", outcome: "done", ...over };
}
