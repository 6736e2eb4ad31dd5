/** Who is known: keys and users, made, changed and removed. A change of a user ends the tokens of that user. */
import { randomBytes } from "node:crypto";
import { ConfigSyncError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { Access } from "./access.ts";
import { checkStrength, type Passwords } from "./passwords.ts";
import type { Grant } from "./principal.ts";
import { checkGrant, checkName, grantOf, type KeyRecord, type Records, type UserRecord } from "./records.ts";
import type { Store } from "./store.ts";
import { digestOf, keyKind, makeId, makeTicket } from "./tickets.ts";

export interface Management {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
}

interface Keys extends Pick<Access, "keys" | "createKey" | "removeKey"> {
  readonly ensureAdmin: () => Promise<string | undefined>;
}

type Users = Pick<Access, "users" | "createUser" | "setPassword" | "setGrant" | "removeUser">;

export function manageKeys({ store, clock }: Management): Keys {
  return {
    ensureAdmin: async () => {
      if (isInhabited(store.read())) return undefined;
      const made = makeKey(store.read(), "admin", { role: "admin" }, clock.now());
      return store.update((records) =>
        isInhabited(records) ? [records, undefined] : [{ ...records, keys: [made.record] }, made.key],
      );
    },

    keys: async () =>
      store.read().keys.map((record) => {
        const { name, id, createdAt, expiresAt } = record;
        return { name, prefix: `${keyKind.prefix}_${id}`, createdAt, expiresAt, ...grantOf(record) };
      }),

    createKey: async (name, grant, expiresAt) => {
      checkName(name);
      const now = clock.now();
      if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now))
        throw new ConfigSyncError("VALUE_INVALID", "the key would be over before it is made");
      return store.update((records) => {
        refuseDouble("key", name, records.keys);
        const { key, record } = makeKey(records, name, grant, now, expiresAt);
        return [{ ...records, keys: [...records.keys, record] }, key];
      });
    },

    removeKey: async (name) => {
      await store.update((records) => {
        requireOne("key", name, records.keys);
        return [{ ...records, keys: records.keys.filter((one) => one.name !== name) }, undefined];
      });
    },
  };
}

export function manageUsers({ store, clock, passwords }: Management): Users {
  /** Changes one user; undefined removes it. */
  const change = async (name: string, to: (user: UserRecord) => UserRecord | undefined): Promise<void> => {
    await store.update((records) => {
      requireOne("user", name, records.users);
      const users = records.users.flatMap((user) => (user.name === name ? (to(user) ?? []) : user));
      return [{ ...records, users, logins: records.logins.filter(({ user }) => user !== name) }, undefined];
    });
  };

  return {
    users: async () =>
      store.read().users.map((user) => ({ name: user.name, createdAt: user.createdAt, ...grantOf(user) })),

    createUser: async (name, password, grant) => {
      checkName(name);
      checkStrength(name, password);
      refuseDouble("user", name, store.read().users);
      const granted = checkGrant(grant);
      const hashed = await passwords.hash(password);
      await store.update((records) => {
        refuseDouble("user", name, records.users);
        const user = { name, password: hashed, generation: newGeneration(), createdAt: clock.now(), ...granted };
        return [{ ...records, users: [...records.users, user] }, undefined];
      });
    },

    setPassword: async (name, password) => {
      requireOne("user", name, store.read().users);
      checkStrength(name, password);
      const hashed = await passwords.hash(password);
      await change(name, (user) => ({ ...user, password: hashed, generation: newGeneration() }));
    },

    setGrant: async (name, grant) => {
      const granted = checkGrant(grant);
      await change(name, ({ password, createdAt }) => ({
        name,
        password,
        createdAt,
        generation: newGeneration(),
        ...granted,
      }));
    },

    removeUser: (name) => change(name, () => undefined),
  };
}

function isInhabited({ keys, users }: Records): boolean {
  return keys.length + users.length > 0;
}

function makeKey(
  { keys }: Records,
  name: string,
  grant: Grant,
  createdAt: number,
  expiresAt?: number,
): { readonly key: string; readonly record: KeyRecord } {
  const taken = new Set(keys.map(({ id }) => id));
  let id = makeId(keyKind);
  while (taken.has(id)) id = makeId(keyKind);
  const key = makeTicket(keyKind, id);
  const expiry = expiresAt === undefined ? {} : { expiresAt };
  return { key, record: { name, id, digest: digestOf(key), createdAt, ...expiry, ...checkGrant(grant) } };
}

function newGeneration(): string {
  return randomBytes(8).toString("hex");
}

function refuseDouble(kind: "key" | "user", name: string, known: readonly { readonly name: string }[]): void {
  if (!known.some((one) => one.name === name)) return;
  throw new ConfigSyncError("EXISTS", `there is a ${kind} "${name}" already`, {
    hint: "Choose another name, or remove that one first",
  });
}

function requireOne(kind: "key" | "user", name: string, known: readonly { readonly name: string }[]): void {
  if (known.some((one) => one.name === name)) return;
  // Somebody may have put a key itself in the place of its name: what is no name is not repeated.
  checkName(name);
  throw new ConfigSyncError("NOT_FOUND", `there is no ${kind} "${name}"`, {
    hint: known.length === 0 ? `There is no ${kind} at all` : `There are: ${known.map((one) => one.name).join(", ")}`,
  });
}
