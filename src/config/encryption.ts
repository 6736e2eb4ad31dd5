/**
 * Values at rest: `enc:v1:<key id>:<base64url of nonce, ciphertext and tag>`, AES-256-GCM. App, section and key go into the tag, so
 * that a value cannot be moved to another place. Pure but for the random nonce.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import { ConfigSyncError } from "../errors.ts";
import { formatPath, type Path } from "./path.ts";

export interface Key {
  /** Made of the key itself, so that a file of keys needs no names: eight hexadecimal digits. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** What a value is bound to. */
export interface Seat {
  readonly app: string;
  readonly path: Path;
}

const begin = "enc:v1:";
const form = /^enc:v1:([0-9a-f]{8}):([\w-]+)$/;
const cipher = "aes-256-gcm";
const [nonceLength, tagLength, keyLength] = [12, 16, 32];

/** Whether a text wants to be a sealed value, damaged ones included. */
export function isSealed(text: string): boolean {
  return text.startsWith(begin);
}

/** Whether there is a sealed value anywhere in a text. */
export function holdsSealed(text: string): boolean {
  return text.includes(begin);
}

/** The id of the key that a sealed value wants; undefined for what is none. */
export function keyIdOf(sealed: string): string | undefined {
  return form.exec(sealed)?.[1];
}

/** Two sealings of one text are two texts. Throws UNREPRESENTABLE for what is no Unicode text. */
export function seal(text: string, key: Key, seat: Seat): string {
  if (!text.isWellFormed()) {
    const name = formatPath(seat.path);
    throw new ConfigSyncError("UNREPRESENTABLE", `${name} holds half a character (a lone surrogate)`, { key: name });
  }
  const nonce = randomBytes(nonceLength);
  const sealing = createCipheriv(cipher, key.bytes, nonce).setAAD(boundTo(key.id, seat));
  const sealed = [nonce, sealing.update(text, "utf8"), sealing.final(), sealing.getAuthTag()];
  return `${begin}${key.id}:${Buffer.concat(sealed).toString("base64url")}`;
}

/** The text of a sealed value. Throws SOURCE_INVALID with the key, and never half of a text. */
export function open(sealed: string, keys: readonly Key[], seat: Seat): string {
  const [, id = "", code = ""] = form.exec(sealed) ?? [];
  const bytes = Buffer.from(code, "base64url");
  // Several spellings decode to the same bytes; one of them is ours.
  if (bytes.length < nonceLength + tagLength || bytes.toString("base64url") !== code)
    throw unopened(seat, "holds a sealed value that is damaged", "Write the value anew, in clear");
  const key = keys.find((one) => one.id === id);
  if (key === undefined) {
    const hint = "Put that key into encryption.key_file (or key_env) again, or write the value into the file anew";
    throw unopened(seat, `is sealed with key ${id}, which is not here`, hint);
  }
  const opening = createDecipheriv(cipher, key.bytes, bytes.subarray(0, nonceLength))
    .setAAD(boundTo(id, seat))
    .setAuthTag(bytes.subarray(-tagLength));
  try {
    const text = opening.update(bytes.subarray(nonceLength, -tagLength));
    return Buffer.concat([text, opening.final()]).toString();
  } catch {
    const why = "holds a value that was sealed for another key, section or app, or is damaged";
    throw unopened(seat, why, "Sealed values cannot be moved or edited: write the value anew, in clear");
  }
}

/** A new key, as it stands in a file of keys. */
export function createKeyText(): string {
  return randomBytes(keyLength).toString("base64url");
}

/** One key, written as 32 bytes in base64 or base64url. Undefined for what is none. */
export function parseKey(text: string): Key | undefined {
  if (!/^[\w+/-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return { bytes, id: hash("sha256", Buffer.concat([Buffer.from("config-sync key id:"), bytes])).slice(0, 8) };
}

function boundTo(id: string, { app, path }: Seat): Buffer {
  return Buffer.from(JSON.stringify([begin, id, app, ...path]));
}

/** The refusal of a value that cannot be opened. It names the key, never what stands there. */
export function unopened({ path }: Seat, why: string, hint: string): ConfigSyncError {
  const key = formatPath(path);
  return new ConfigSyncError("SOURCE_INVALID", `${key} ${why}`, { key, hint });
}

/** The refusal of an encrypted value that is given where it was not made: sealed once more, its ciphertext would be the password. */
export function givenSealed(path: Path): ConfigSyncError {
  const key = formatPath(path);
  const message = `${key} is given an encrypted value, which can only stand where it was made`;
  return new ConfigSyncError("VALUE_INVALID", message, { key, hint: "Give the value itself" });
}
