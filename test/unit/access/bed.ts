import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AccessOptions, accessFile, type OpenedAccess, openAccess } from "../../../src/access/open.ts";
import type { Cost } from "../../../src/access/passwords.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";
import type { Clock } from "../../../src/platform/clock.ts";

/** Hashes that take a millisecond. */
export const cheap: Cost = { N: 64, r: 8, p: 1 };

export const address = "192.0.2.7";
export const goodPassword = "four words of little sense";

export interface Bed {
  readonly access: OpenedAccess;
  readonly file: string;
  /** Milliseconds by which the clock is set forward, or back. */
  readonly pass: (milliseconds: number) => void;
  /** The same file, as another process has it open. */
  readonly openAgain: (options?: Partial<AccessOptions>) => Promise<OpenedAccess>;
  readonly remove: () => Promise<void>;
}

export async function makeBed(options: Partial<AccessOptions> = {}): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), "config-sync-access-"));
  const file = accessFile(join(folder, "state"));
  let now = Date.UTC(2026, 10, 21);
  const clock: Clock = { now: () => now, sleep: async () => undefined };
  const openAgain = (more: Partial<AccessOptions> = {}) =>
    openAccess({ file, clock, cost: cheap, ...options, ...more });
  return {
    access: await openAgain(),
    file,
    pass: (milliseconds) => {
      now += milliseconds;
    },
    openAgain,
    remove: () => rm(folder, { recursive: true }),
  };
}

/** What was thrown, or a failure of the test where nothing was. */
export async function thrownBy(work: Promise<unknown>): Promise<ConfigSyncError> {
  const result = await work.then(
    () => undefined,
    (error: ConfigSyncError) => error,
  );
  if (result === undefined) throw new Error("nothing was refused");
  return result;
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await thrownBy(work)).code;
}
