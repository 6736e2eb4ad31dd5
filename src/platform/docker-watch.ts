import type { Docker } from "./docker.ts";
import type { ContainerEvent } from "./docker-events.ts";
import { takeRounds } from "./rounds.ts";
import type { ThingHint } from "./thing.ts";

/**
 * Calls `onHint` whenever a container was started, ended, paused, renamed, removed, or became well or ill, within
 * milliseconds. One stream of events serves all containers.
 *
 * While there is no stream (Docker restarts, a proxy cuts it) nobody knows what happens: so each time that it stands again,
 * the first time too, there is a hint about every container. Connects again for ever, with pauses of up to 5 s, and never throws.
 * Where events are forbidden (a socket proxy without EVENTS=1) there are no hints.
 */
export function watchContainers(docker: () => Promise<Docker>, onHint: (hint: ThingHint) => void): () => Promise<void> {
  let failures = 0;
  return takeRounds(async (signal) => {
    const began = Date.now();
    await follow(docker, onHint, signal).catch(() => undefined);
    // A stream that is cut as soon as it stands is no success.
    failures = Date.now() - began > longestPause ? 0 : failures + 1;
    return Math.min(longestPause, 50 * 2 ** failures);
  });
}

const longestPause = 5000;

/** How long the Docker Engine has to open the stream. */
const openTime = 30_000;

/** Ends with the stream; how that ended is all the same. */
async function follow(
  docker: () => Promise<Docker>,
  onHint: (hint: ThingHint) => void,
  signal: AbortSignal,
): Promise<void> {
  const events = await open(docker, signal);
  onHint({ kind: "container" });
  for await (const { container } of events) onHint({ kind: "container", name: container });
}

/** The deadline is for the opening alone: the stream is to last. */
async function open(docker: () => Promise<Docker>, signal: AbortSignal): Promise<AsyncIterable<ContainerEvent>> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), openTime);
  try {
    return await (await docker()).events(AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}
