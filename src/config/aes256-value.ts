/**
 * Values as Websoft9's config templates have them: `AES256:` and base64 of a 16-byte IV and the AES-256-CBC ciphertext with PKCS #7
 * padding. They carry no proof that nobody changed or moved them, so they are read, and never written.
 */

import { isUtf8 } from "node:buffer";
import { createDecipheriv } from "node:crypto";
import { type Seat, unopened } from "./encryption.ts";

const begin = "AES256:";

/** Whether a text has the form of such a value: a password may begin with the same word, but hardly goes on like that. */
export function isAes256Value(text: string): boolean {
  if (!text.startsWith(begin)) return false;
  const code = text.slice(begin.length);
  const { length } = Buffer.from(code, "base64");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(code) && length >= 32 && length % 16 === 0;
}

/** The text. `key`: 32 bytes. Throws SOURCE_INVALID where there is no key, or another one. */
export function openAes256Value(value: string, key: Buffer | undefined, seat: Seat): string {
  if (key === undefined) {
    const hint = "Name the file of that key under encryption.aes256_key_file, then run config-sync secrets migrate";
    throw unopened(seat, "holds an AES256: value, and there is no key for it", hint);
  }
  const bytes = Buffer.from(value.slice(begin.length), "base64");
  try {
    const opening = createDecipheriv("aes-256-cbc", key, bytes.subarray(0, 16));
    const text = Buffer.concat([opening.update(bytes.subarray(16)), opening.final()]);
    if (isUtf8(text)) return text.toString();
  } catch {
    // Said below.
  }
  throw unopened(seat, "holds an AES256: value that does not fit the key, or is damaged", "Look at the key file");
}
