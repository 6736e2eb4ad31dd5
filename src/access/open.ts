/** Opens the file of those who are known, and puts together what the room offers. */
import { join } from "node:path";
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Access } from "./access.ts";
import { createAuthenticate } from "./authenticate.ts";
import { manageKeys, manageUsers } from "./manage.ts";
import { type Cost, createPasswords } from "./passwords.ts";
import type { Grant } from "./principal.ts";
import { createSignIn } from "./sign-in.ts";
import { openStore } from "./store.ts";
import { createThrottle, type ThrottleOptions } from "./throttle.ts";

/** What whoever opens it has beyond what requests may ask for. */
export interface OpenedAccess extends Access {
  /** Where nobody is known yet: makes the key `admin` and returns it, to be shown this once. Undefined otherwise. */
  readonly ensureAdmin: () => Promise<string | undefined>;
}

export interface AccessOptions {
  /** See `accessFile`. It is made with the first key or user. */
  readonly file: string;
  readonly clock?: Clock;
  /**
   * The key that stands in the configuration itself, as it is now: asked at every request. Shorter ones than 16 characters are
   * not taken. Without this function there is none.
   */
  readonly configuredKey?: (() => string | undefined) | undefined;
  /** The section that the configured key stands in now; it takes an admin to write it. Default: `api_key`. */
  readonly configuredSection?: (() => string | undefined) | undefined;
  /** What the configured key may do. Default: everything with the app `default`, but not the managing of keys and users. */
  readonly configuredGrant?: Grant;
  /** What hashing a password costs. */
  readonly cost?: Cost;
}

/** Where keys and users stand, by the state folder. */
export function accessFile(state: string): string {
  return join(state, "access.json");
}

/**
 * The same file may be open in several processes: what one changes, the others see at the next question. Throws STATE_UNUSABLE for
 * a file that is broken or cannot be read; it is left as it is.
 */
export async function openAccess(options: AccessOptions): Promise<OpenedAccess> {
  const { file, clock = systemClock, configuredKey, cost } = options;
  const { configuredSection: section = () => "api_key", configuredGrant: grant = keyOfDefault } = options;
  const store = openStore(file);
  store.read();
  const passwords = createPasswords(cost);
  const strangers = createThrottle(forStrangers, clock);
  const byUser = createThrottle(forUsers, clock);
  const byAddress = createThrottle(forAddresses, clock);
  const configured = configuredKey && { key: configuredKey, section, grant };
  return {
    authenticate: createAuthenticate({ store, clock, configured, strangers }),
    ...createSignIn({ store, clock, passwords, byUser, byAddress, strangers }),
    ...manageKeys({ store, clock, passwords }),
    ...manageUsers({ store, clock, passwords }),
  };
}

/** It lies in clear in a file that many read: it must not be able to make keys that outlive it. */
const keyOfDefault: Grant = { role: "admin", apps: ["default"] };

const minute = 60_000;

/** The longest pause of a user is short, because anybody can bring it about; it still leaves a guesser 1,440 tries a day. */
const forUsers: ThrottleOptions = { free: 5, first: 1000, longest: minute, capacity: 10_000 };
const forAddresses: ThrottleOptions = { free: 20, first: 1000, longest: 15 * minute, capacity: 10_000 };
const forStrangers: ThrottleOptions = { free: 20, first: 1000, longest: minute, capacity: 10_000 };
