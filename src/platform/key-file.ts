/** The keys that values are sealed with: from a file that only its owner can read, or from the environment. */
import { closeSync, constants, fstatSync, linkSync, openSync, readSync, realpathSync, rmSync, statSync } from "node:fs";
import { createKeyText, type Key, parseKey } from "../config/encryption.ts";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { withLockFile } from "./lock-file.ts";
import { syncFolderOf } from "./safe-write/sync.ts";
import { writeDurably } from "./safe-write.ts";

const limit = 64 * 1024;

/**
 * The keys of a file, the one that seals first: a key a line, `#` begins a comment. Each call reads the file; the answer is the same
 * object as long as its text is the same. Throws KEY_UNUSABLE.
 */
export function keysOfFile(path: string): () => readonly Key[] {
  return remember(() => readClosedFile(path).toString(), path);
}

/** The same from an environment variable, where white space or commas stand between keys. */
export function keysOfVariable(name: string, environment: Readonly<Record<string, string | undefined>>) {
  return remember(() => environment[name] ?? "", `$${name}`);
}

/** A key as 32 raw bytes in a file. Throws KEY_UNUSABLE. */
export function rawKeyOfFile(path: string): Buffer {
  const bytes = readClosedFile(path);
  if (bytes.length === 32) return bytes;
  throw unusable(path, "does not hold a key of 32 bytes", "Name the file that the values were encrypted with");
}

/** Makes the file with a first key. Throws EXISTS where there is one. */
export async function makeKeyFile(path: string): Promise<Key> {
  const { key, text } = newKey();
  // By a link, because a rename would replace what somebody else made in the same moment.
  const own = `${path}.${process.pid}`;
  try {
    await writeDurably(own, text);
    linkSync(own, path);
    await syncFolderOf(path);
  } catch (cause) {
    if (systemCode(cause) !== "EEXIST") throw cause;
    throw new ConfigSyncError("EXISTS", `${path} is there already`, {
      hint: "config-sync secrets rotate adds a new key to it",
      cause,
    });
  } finally {
    rmSync(own, { force: true });
  }
  return key;
}

/**
 * Puts a new key in front; the others stay and go on opening, also those that somebody else adds in the same moment. Durable when it
 * resolves. Throws KEY_UNUSABLE, WRITE_FAILED, STATE_UNUSABLE.
 */
export async function addKey(path: string): Promise<Key> {
  readClosedFile(path);
  // Behind a link it is the file that is replaced, not the link.
  const file = realpathSync(path);
  refuseOtherOwner(file);
  return withLockFile(`${file}.lock`, async () => {
    const before = readClosedFile(file).toString();
    parseKeys(before, file);
    const { key, text } = newKey();
    if (text.length + Buffer.byteLength(before) > limit)
      throw unusable(file, "has no room for another key", "Remove lines of keys that nothing needs any more");
    await writeDurably(file, text + before);
    return key;
  });
}

/** root can replace anybody's file, but then it is root's, and the daemon locked out of it. */
function refuseOtherOwner(file: string): void {
  const { uid } = statSync(file);
  if (uid !== process.getuid?.()) throw unusable(file, `is for user ${uid}`, "Run the command as that user");
}

function newKey(): { key: Key; text: string } {
  const written = createKeyText();
  const key = parseKey(written);
  if (key === undefined) throw new Error("a new key is not one");
  return { key, text: `${written}  # ${key.id}\n` };
}

function remember(read: () => string, from: string): () => readonly Key[] {
  let text: string | undefined;
  let keys: readonly Key[] = [];
  return () => {
    const now = read();
    if (now !== text) keys = parseKeys(now, from);
    text = now;
    return keys;
  };
}

function parseKeys(text: string, from: string): readonly Key[] {
  const words = text.replaceAll(/#.*/g, "").split(/[\s,]+/);
  const written = words.filter((word) => word !== "");
  const keys = written.map(parseKey).filter((key) => key !== undefined);
  if (keys.length > 0 && keys.length === written.length) return keys;
  const why = written.length === 0 ? "holds no key" : "holds something that is no key";
  throw unusable(from, why, 'A key is 32 bytes in base64: make one with "config-sync secrets keygen"');
}

/** Opened before it is judged, so that it is the judged file that is read. */
function readClosedFile(path: string): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw unusable(path, "is no regular file", "Name a file");
    if ((stats.mode & 0o077) !== 0) throw unusable(path, "can be read by others", `chmod 600 ${path}`);
    const buffer = Buffer.alloc(limit + 1);
    const length = readSync(fd, buffer);
    if (length > limit) throw unusable(path, "is larger than 64 KiB", "Name the right file");
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof ConfigSyncError) throw error;
    const isMissing = systemCode(error) === "ENOENT";
    const hint = isMissing
      ? 'Restore it; where there never was one, run "config-sync secrets keygen"'
      : "Run as the user that it belongs to";
    throw unusable(path, isMissing ? "is not there" : `cannot be read: ${systemCode(error)}`, hint);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function unusable(file: string, why: string, hint: string): ConfigSyncError {
  return new ConfigSyncError("KEY_UNUSABLE", `the key file ${why}`, { place: { file }, hint });
}
