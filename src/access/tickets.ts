/**
 * Keys and refresh tokens: random texts that are shown once and kept as SHA-256. They have 256 random bits, so nobody can try
 * them out and a slow hash, as for passwords, would only slow down every request. Each has a part in clear by which its record is
 * found, so that what is compared is one digest with one other.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** The prefix says to people and to scanners of repositories what it is. */
interface Kind {
  readonly prefix: "csk" | "csr";
  readonly idBytes: number;
}

export const keyKind: Kind = { prefix: "csk", idBytes: 4 };
export const refreshKind: Kind = { prefix: "csr", idBytes: 16 };

const secretBytes = 32;

/** `csk_1a2b3c4d_<43 characters>`. */
export function makeTicket({ prefix }: Kind, id: string): string {
  return `${prefix}_${id}_${randomBytes(secretBytes).toString("base64url")}`;
}

export function makeId({ idBytes }: Kind): string {
  return randomBytes(idBytes).toString("hex");
}

/** The part in clear; undefined for what is no such ticket. */
export function idOf({ prefix, idBytes }: Kind, shown: string): string | undefined {
  const length = prefix.length + 1 + 2 * idBytes + 1 + Math.ceil((secretBytes * 4) / 3);
  if (shown.length !== length) return undefined;
  const [begin, id = "", secret = ""] = splitThree(shown);
  return begin === prefix && /^[0-9a-f]+$/.test(id) && /^[\w-]+$/.test(secret) ? id : undefined;
}

/** The secret part may hold `_` itself. */
function splitThree(text: string): string[] {
  const [begin = "", id = ""] = text.split("_", 2);
  return [begin, id, text.slice(begin.length + id.length + 2)];
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** In a time that says nothing of where they differ. */
export function isDigestOf(shown: string, digest: string): boolean {
  const wanted = Buffer.from(digest, "hex");
  const given = createHash("sha256").update(shown).digest();
  return wanted.length === given.length && timingSafeEqual(given, wanted);
}
