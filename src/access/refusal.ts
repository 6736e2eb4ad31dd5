/** The words in which somebody is turned away. */
import { ConfigSyncError } from "../errors.ts";
import { addressName, type Throttle } from "./throttle.ts";

/**
 * The same to the outside for whatever reason: whether a key is unknown, wrong or over, whether a name exists is nobody's
 * business. `reason` stands in the cause, for the operator's log; it is one of our own words, never what was shown.
 */
export function refused(reason: string): ConfigSyncError {
  return new ConfigSyncError("UNAUTHENTICATED", "nobody is known by what was shown, or nothing was shown", {
    hint: "Give a key (x-api-key), or log in again",
    cause: new Error(reason),
  });
}

export function wrongLogin(reason: string): ConfigSyncError {
  return new ConfigSyncError("UNAUTHENTICATED", "the name or the password is wrong", { cause: new Error(reason) });
}

/** `wait` in milliseconds. */
export function tooMany(wait: number): ConfigSyncError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  return new ConfigSyncError("TOO_MANY_REQUESTS", "too many failed tries", {
    hint: `Try again in ${retryAfter} s`,
    retryAfter,
  });
}

/**
 * What to throw at somebody who was never known. Who was known once (a token that is over) is not counted: a client must be told
 * to log in again, also while a stranger behind the same proxy is guessing.
 */
export function refuseStranger(strangers: Throttle, address: string, reason: string): ConfigSyncError {
  const name = addressName(address);
  const wait = strangers.wait(name);
  if (wait > 0) return tooMany(wait);
  strangers.count(name);
  return refused(reason);
}
