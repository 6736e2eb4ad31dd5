import { ConfigSyncError } from "../errors.ts";
import type { Draft } from "./history.ts";

/** More than any configuration needs, and little enough to be held in memory. */
export const longestMessage = 64 * 1024;
const longestName = 200;
const mostDocuments = 1000;
const mostBytes = 64 * 1024 * 1024;
/** The last day that a Date can be. */
const latest = 8.64e15;

/**
 * What a draft must be to go into any history. Throws VALUE_INVALID, or TOO_LARGE. Author and message may be any text: each backend
 * gives them back as they were.
 */
export function checkDraft(app: string, { author, at, message, hash, documents }: Draft): void {
  checkFileName("an app", app);
  for (const { name } of documents) checkFileName("a document", name);
  if (new Set(documents.map(({ name }) => name)).size < documents.length) throw invalid("two documents have one name");
  if (!Number.isSafeInteger(at) || at < 0 || at > latest)
    throw invalid("the time is not one in milliseconds since 1970");
  if (!/^[\x21-\x7e]{0,200}$/.test(hash)) throw invalid("the hash is not a word");
  if (author.length > longestName) throw tooLarge(`the author's name is longer than ${longestName} characters`);
  if (message.length > longestMessage) throw tooLarge(`the message is longer than ${longestMessage} characters`);
  if (documents.length > mostDocuments) throw tooLarge(`there are more than ${mostDocuments} documents`);
  const size = documents.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size > mostBytes) throw tooLarge("the documents are larger than 64 MiB");
}

/**
 * Names become files and folders of a repository, and keys of a store. What begins with a dot is the store's own in some (`.git`,
 * `.gitattributes`), except for `.env` and its kind; `~` is how Windows would spell those in eight letters.
 */
function checkFileName(what: string, name: string): void {
  const isPlain = /^[^\x00-\x1f\x7f/\\~:]{1,200}$/.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= 250;
  if (isPlain && !/^\.(\.?$|git)/i.test(name) && !/\p{Cf}/u.test(name)) return;
  throw invalid(`${JSON.stringify(name).slice(0, 80)} cannot be the name of ${what}`);
}

function invalid(message: string): ConfigSyncError {
  return new ConfigSyncError("VALUE_INVALID", message);
}

function tooLarge(message: string): ConfigSyncError {
  return new ConfigSyncError("TOO_LARGE", message);
}
