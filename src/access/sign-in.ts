/** Users with passwords: in for a quarter of an hour at a time, and out. */
import type { Clock } from "../platform/clock.ts";
import type { Access, Login, Tokens } from "./access.ts";
import { isTooLong, type Passwords } from "./passwords.ts";
import { isName, type LoginRecord, type PasswordRecord, type Records, type UserRecord } from "./records.ts";
import { refuseStranger, tooMany, wrongLogin } from "./refusal.ts";
import type { Store } from "./store.ts";
import { addressName, type Throttle } from "./throttle.ts";
import { digestOf, idOf, isDigestOf, makeId, makeTicket, refreshKind } from "./tickets.ts";
import { accessLifetime, signToken, verifyToken } from "./tokens.ts";

export interface SignIn {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
  /** Tries to log in, by user and by address. */
  readonly byUser: Throttle;
  readonly byAddress: Throttle;
  /** Wrong refresh tokens, by address. */
  readonly strangers: Throttle;
}

/** Milliseconds from the last refresh until a login is over. */
const refreshLifetime = 30 * 24 * 60 * 60 * 1000;

/** Logins that are open at once; the oldest is ended for a new one. */
const mostOfOne = 16;
const mostOfAll = 1000;

export function createSignIn(context: SignIn): Pick<Access, "login" | "refresh" | "logout"> {
  const { store, clock, strangers } = context;
  return {
    login: async (given) => {
      const user = await recognise(context, given);
      return beginLogin(context, user, await upToDate(context.passwords, user.password, given.password));
    },

    refresh: async (token, address) => {
      const tokens = isOpen(store.read(), token) ? await rotate(context, token) : undefined;
      if (tokens === undefined) throw refuseStranger(strangers, address, "no such refresh token");
      return tokens;
    },

    logout: async (token) => {
      const { secret } = store.read();
      const login = idOf(refreshKind, token) ?? (await loginOf(token, secret, clock.now()));
      if (!store.read().logins.some(({ id }) => id === login)) return;
      await store.update((records) => [withoutLogin(records, login), undefined]);
    },
  };
}

/** The user whose password this is. Whether the name or the password is wrong makes no difference, in words or in time. */
async function recognise(context: SignIn, { user, password, address }: Login): Promise<UserRecord> {
  const { store, passwords, byUser, byAddress } = context;
  // What cannot be a name is no user, and not worth remembering one by one, however long it is.
  const [name, from] = [isName(user) ? user : "", addressName(address)];
  const wait = Math.max(byUser.wait(name), byAddress.wait(from));
  if (wait > 0) throw tooMany(wait);
  byUser.count(name);
  byAddress.count(from);
  const takeBack = (): void => {
    byUser.forgive(name);
    byAddress.forgive(from);
  };
  try {
    const record = store.read().users.find((one) => one.name === name);
    if (isTooLong(password)) throw wrongLogin("a password that is too long");
    const isRight = await passwords.verify(password, record?.password);
    if (!isRight || record === undefined) throw wrongLogin("the name or the password is wrong");
    takeBack();
    // Of the address only this one try: a password of one's own must not wash away the guesses of others'.
    byUser.forget(name);
    return record;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "UNAUTHENTICATED") takeBack();
    throw error;
  }
}

/** Now that the password is there: kept at what a hash costs today. Where too many wait for one it is left for the next login. */
async function upToDate(passwords: Passwords, kept: PasswordRecord, password: string): Promise<PasswordRecord> {
  return passwords.isOutdated(kept) ? passwords.hash(password).catch(() => kept) : kept;
}

async function beginLogin(context: SignIn, user: UserRecord, password: PasswordRecord): Promise<Tokens> {
  const { store, clock } = context;
  const id = makeId(refreshKind);
  const refresh = makeTicket(refreshKind, id);
  const now = clock.now();
  const login: LoginRecord = {
    id,
    user: user.name,
    digest: digestOf(refresh),
    createdAt: now,
    expiresAt: now + refreshLifetime,
  };
  const secret = await store.update((records) => {
    // Password or grant may have changed while it was being compared.
    const current = records.users.find(({ generation }) => generation === user.generation);
    if (current === undefined) return [records, undefined];
    const users = records.users.map((one) => (one === current ? { ...one, password } : one));
    return [{ ...records, users, logins: makeRoom([...records.logins, login], now) }, records.secret];
  });
  if (secret === undefined) throw wrongLogin("the user was changed meanwhile");
  return handOut(context, user, login, secret, refresh);
}

/** Undefined where the token is not the next one of its login; then the login is over. */
async function rotate(context: SignIn, token: string): Promise<Tokens | undefined> {
  const { store, clock } = context;
  const id = idOf(refreshKind, token);
  const now = clock.now();
  const next = await store.update((records) => {
    const login = records.logins.find((one) => one.id === id);
    const user = records.users.find(({ name }) => name === login?.user);
    if (login === undefined || user === undefined || login.expiresAt <= now) return [records, undefined];
    // Only who was given a token of this login knows its id: either the owner or a thief is behind. Both have to log in again.
    if (!isDigestOf(token, login.digest)) return [withoutLogin(records, id), undefined];
    const refresh = makeTicket(refreshKind, login.id);
    const renewed = { ...login, digest: digestOf(refresh), expiresAt: now + refreshLifetime };
    const logins = makeRoom([...records.logins.filter((one) => one !== login), renewed], now);
    return [
      { ...records, logins },
      { user, login, secret: records.secret, refresh },
    ];
  });
  return next && handOut(context, next.user, next.login, next.secret, next.refresh);
}

async function handOut(
  { clock }: SignIn,
  { name, generation }: UserRecord,
  login: LoginRecord,
  secret: string,
  refresh: string,
): Promise<Tokens> {
  const access = await signToken({ user: name, generation, login: login.id }, secret, clock.now());
  return { access, expiresIn: accessLifetime, refresh };
}

/** Spares strangers' tokens the way to the disk. */
function isOpen({ logins }: Records, token: string): boolean {
  const id = idOf(refreshKind, token);
  return id !== undefined && logins.some((login) => login.id === id);
}

async function loginOf(token: string, secret: string, now: number): Promise<string | undefined> {
  const claims = await verifyToken(token, secret, now);
  return typeof claims === "object" ? claims.login : undefined;
}

function withoutLogin(records: Records, id: string | undefined): Records {
  return { ...records, logins: records.logins.filter((login) => login.id !== id) };
}

/** Without those that are over, and without the oldest of too many. The newest stands last. */
function makeRoom(logins: readonly LoginRecord[], now: number): LoginRecord[] {
  const count = new Map<string, number>();
  const kept = logins.toReversed().filter(({ user, expiresAt }) => {
    if (expiresAt <= now) return false;
    count.set(user, (count.get(user) ?? 0) + 1);
    return (count.get(user) ?? 0) <= mostOfOne;
  });
  return kept.slice(0, mostOfAll).toReversed();
}
