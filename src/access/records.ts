/** The file in which everybody who is known stands: its form, and how its text is read and written. Pure. */
import { z } from "zod";
import { ConfigSyncError } from "../errors.ts";
import { type Grant, roles } from "./principal.ts";

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const time = z.int().min(0);
const target = z.string().regex(/^[^\p{Cc}]{1,128}$/u, "is no name of an app or section");

// So that an author in the history is one word, and a key or token that was put in the place of a name is noticed.
const name = z.string().regex(/^(?!cs[kr]_)[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/);

const grantShape = {
  role: z.enum(roles),
  apps: z.array(target).max(64).optional(),
  sections: z.array(target).max(64).optional(),
};

const password = z.strictObject({
  algorithm: z.literal("scrypt"),
  // Above these a mistake in the file would be a way to stop the daemon: 1 GiB a login.
  N: z
    .int()
    .min(2)
    .max(2 ** 20),
  r: z.int().min(1).max(8),
  p: z.int().min(1).max(16),
  salt: hex(16),
  hash: hex(32),
});

const key = z.strictObject({
  name,
  /** Stands in the key itself, in clear: one key is found by it, so that comparing is one. */
  id: hex(4),
  /** SHA-256 of the whole key. */
  digest: hex(32),
  createdAt: time,
  expiresAt: time.optional(),
  ...grantShape,
});

const user = z.strictObject({
  name,
  password,
  /** Another one after each change of password or grant, and for a new user of an old name: a token names the one that it is of. */
  generation: hex(8),
  createdAt: time,
  ...grantShape,
});

/** From a login to its end: a chain of refresh tokens of which only the newest is good. */
const login = z.strictObject({
  id: hex(16),
  user: name,
  /** SHA-256 of the refresh token that is next. */
  digest: hex(32),
  createdAt: time,
  expiresAt: time,
});

const schema = z.strictObject({
  version: z.literal(1),
  /** Signs the JWTs. */
  secret: hex(32),
  keys: z.array(key),
  users: z.array(user),
  logins: z.array(login),
});

export type Records = z.output<typeof schema>;
export type KeyRecord = z.output<typeof key>;
export type UserRecord = z.output<typeof user>;
export type LoginRecord = z.output<typeof login>;
export type PasswordRecord = z.output<typeof password>;

/** Throws STATE_UNUSABLE, which quotes nothing of the text: it holds the secret that signs tokens. */
export function parseRecords(text: string, file: string): Records {
  const read = schema.safeParse(parseJson(text, file));
  if (!read.success) {
    const [issue] = read.error.issues;
    const isNewer = issue?.path[0] === "version";
    const at = issue?.path.join(".") ?? "";
    throw broken(
      file,
      isNewer ? "has a version that this config-sync does not know" : `is not as it was written: ${at}`,
    );
  }
  const { keys, users, logins } = read.data;
  for (const [kind, ids] of [
    ["keys", keys.map((one) => one.name)],
    ["keys", keys.map((one) => one.id)],
    ["users", users.map((one) => one.name)],
    ["logins", logins.map((one) => one.id)],
  ] as const) {
    if (new Set(ids).size !== ids.length) throw broken(file, `has two ${kind} of one name`);
  }
  return read.data;
}

export function formatRecords(records: Records): string {
  return `${JSON.stringify(records, null, 1)}\n`;
}

/** The parser's own message would quote the text around the place. */
function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw broken(file, "is not complete JSON");
  }
}

export function broken(file: string, why: string, cause?: unknown): ConfigSyncError {
  return new ConfigSyncError("STATE_UNUSABLE", `${file} ${why}`, {
    hint: "Restore it from a backup, or move it away: then keys and users have to be made anew",
    retryable: false,
    cause,
  });
}

/** A name for a key or user, or VALUE_INVALID, which does not repeat it: it may be a key or password in the wrong place. */
export function checkName(given: string): string {
  if (!isName(given)) {
    throw new ConfigSyncError("VALUE_INVALID", "this is not a name for a key or user", {
      hint: "Write 1 to 64 letters, digits and . _ @ -, a letter or digit first",
    });
  }
  if (reservedNames.includes(given)) {
    throw new ConfigSyncError("VALUE_INVALID", `the name "${given}" means somebody else in the history`, {
      hint: "Choose another one",
    });
  }
  return given;
}

/** Authors in the history that are nobody of these records. */
const reservedNames: readonly string[] = ["api_key", "file", "local"];

export function isName(given: string): boolean {
  return name.safeParse(given).success;
}

/** The grant alone, without what is not given. Throws VALUE_INVALID. */
export function checkGrant(given: Grant): z.output<typeof grant> {
  const { role, apps, sections } = given;
  const read = grant.safeParse({ role, ...(apps && { apps }), ...(sections && { sections }) });
  if (read.success) return read.data;
  throw new ConfigSyncError("VALUE_INVALID", `this grant cannot be given: ${read.error.issues[0]?.path.join(".")}`, {
    hint: `Roles are ${roles.join(", ")}; at most 64 apps and sections, each a name of at most 128 characters`,
  });
}

const grant = z.strictObject(grantShape);

/** What of a record is its grant. */
export function grantOf({ role, apps, sections }: Grant): Grant {
  return { role, ...(apps && { apps }), ...(sections && { sections }) };
}
