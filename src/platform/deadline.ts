import { formatDuration } from "../config/coerce.ts";
import { ConfigSyncError } from "../errors.ts";

/** A signal that fires with the given one, or after `milliseconds`, whichever comes first. It keeps a timer until then. */
export function deadline(signal: AbortSignal, milliseconds: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
}

/** The same for long times and many calls: the timer goes when the answer is disposed of. */
export function startDeadline(
  signal: AbortSignal,
  milliseconds: number,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timeIsUp = (): void => controller.abort(new DOMException("the time is up", "TimeoutError"));
  const timer = setTimeout(timeIsUp, milliseconds).unref();
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** The error for a call that its signal ended: what was waited for, and whether time was up or the daemon stops. */
export function interrupted(what: string, signal: AbortSignal, milliseconds?: number): ConfigSyncError {
  const timeIsUp = (signal.reason as { name?: unknown } | undefined)?.name === "TimeoutError";
  const limit = milliseconds === undefined ? "in time" : `within ${formatDuration(milliseconds)}`;
  return new ConfigSyncError("TIMED_OUT", timeIsUp ? `${what} ${limit}` : `${what} before it was interrupted`);
}

/** The result of `work`, or the signal's reason as soon as it fires: for libraries that may not notice it at every point. */
export async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
