/** Passwords: which are taken, and how they are kept. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { ConfigSyncError } from "../errors.ts";
import { createTurnstile } from "../platform/safe-write/turnstile.ts";
import type { PasswordRecord } from "./records.ts";

/** What one hash costs: 128 · N · r bytes of memory, and time in proportion to N · r · p. */
export type Cost = Pick<PasswordRecord, "N" | "r" | "p">;

/** 64 MiB and some 0.2 s: above the least that OWASP names for memory, and what a small host can spare twice at once. */
export const usualCost: Cost = { N: 2 ** 16, r: 8, p: 1 };

export interface Passwords {
  readonly hash: (password: string) => Promise<PasswordRecord>;
  /** Without a record it takes as long as with one, and is false. Throws TOO_MANY_REQUESTS while many others wait. */
  readonly verify: (password: string, record: PasswordRecord | undefined) => Promise<boolean>;
  /** Whether the record cost less than what is asked for today. */
  readonly isOutdated: (record: PasswordRecord) => boolean;
}

// Hashing runs in the thread pool, which has four threads that file system calls need, too.
const sideBySide = 2;
const mayWait = 16;

/** Seconds until a queue of that length is through. */
const whenBusy = 3;

export function createPasswords(cost: Cost = usualCost): Passwords {
  const turnstile = createTurnstile(sideBySide);
  let inside = 0;

  /** A flood of logins gets an answer at once instead of eating memory and threads. */
  const admit = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (inside >= sideBySide + mayWait) {
      throw new ConfigSyncError("TOO_MANY_REQUESTS", "too many logins at once", {
        hint: `Try again in ${whenBusy} s`,
        retryAfter: whenBusy,
      });
    }
    inside++;
    try {
      return await turnstile(work);
    } finally {
      inside--;
    }
  };

  const hash = (password: string): Promise<PasswordRecord> =>
    admit(async () => {
      const salt = randomBytes(16);
      const derived = await derive(password, salt, cost);
      return { algorithm: "scrypt", ...cost, salt: salt.toString("hex"), hash: derived.toString("hex") };
    });

  // Nobody's: an unknown name is compared with it.
  const decoy: PasswordRecord = { algorithm: "scrypt", ...cost, salt: "00".repeat(16), hash: "00".repeat(32) };

  const verify = (password: string, record: PasswordRecord | undefined): Promise<boolean> =>
    admit(async () => {
      const { salt, hash: wanted, ...recorded } = record ?? decoy;
      const derived = await derive(password, Buffer.from(salt, "hex"), recorded);
      return timingSafeEqual(derived, Buffer.from(wanted, "hex")) && record !== undefined;
    });

  const isOutdated = ({ N, r, p }: PasswordRecord): boolean =>
    N * r < cost.N * cost.r || N * r * p < cost.N * cost.r * cost.p;

  return { hash, verify, isOutdated };
}

function derive(password: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
  const maxmem = 128 * N * r + 128 * r * p + 1024 * 1024;
  return new Promise((resolve, reject) => {
    // NFKC: the same characters are different bytes on different keyboards and systems.
    scrypt(password.normalize("NFKC"), salt, 32, { N, r, p, maxmem }, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

/** In characters. The most keeps hashing of hostile input short. */
const shortest = 12;
const longest = 256;

export function isTooLong(password: string): boolean {
  return password.length > longest;
}

/** Throws VALUE_INVALID for a password that somebody would guess. No rule asks for digits or signs: length is what helps. */
export function checkStrength(user: string, password: string): void {
  const characters = isTooLong(password) ? [] : [...password.normalize("NFKC")];
  const lowered = characters.join("").toLowerCase();
  const problem = isTooLong(password)
    ? `has more than ${longest} characters`
    : characters.length < shortest
      ? `has less than ${shortest} characters`
      : new Set(characters).size < 6
        ? "has less than six different characters"
        : isRow(characters)
          ? "is a row of characters, each one after the other"
          : lowered.includes(user.toLowerCase()) && user.length * 2 > password.length
            ? "is little more than the name"
            : undefined;
  if (problem === undefined) return;
  throw new ConfigSyncError("VALUE_INVALID", `the password ${problem}`, {
    hint: `Take ${shortest} or more characters, for example four words that have nothing to do with each other`,
  });
}

/** `123456789012`, `abcdefghijkl`: the step is the same nearly everywhere. */
function isRow(characters: readonly string[]): boolean {
  const codes = characters.map((character) => character.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, index) => code - (codes[index] ?? 0));
  return steps.filter((step) => step === steps[0]).length >= steps.length * 0.8;
}
