/** A piece of work that the daemon does, with what happens meanwhile. */
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { within } from "../platform/within.ts";
import type { SyncEvent } from "../sync/events.ts";
import { type ApiAnswer, type ApiCall, callDaemon, openAnswer, readAnswer } from "./control-client.ts";

/**
 * Has the daemon do what the call asks for, and tells each event from then on until the work is answered. The answer comes when the
 * work is done, however long that takes; undefined where no daemon runs. Throws DAEMON_ABSENT for one that ends in the middle of it,
 * TIMED_OUT for one that says nothing any more.
 */
export async function watchWork(
  path: string,
  call: ApiCall,
  tell: (event: SyncEvent) => void,
): Promise<ApiAnswer | undefined> {
  const stream = await openAnswer(path, { method: "GET", url: "/api/v1/events" });
  if (stream === undefined) return undefined;
  if (stream.headers["content-type"] !== "text/event-stream") return readAnswer(stream, path);
  const silent = new AbortController();
  stream.setTimeout(silence, () => silent.abort());
  const events = readEvents(stream, tell);
  try {
    await events.begun;
    const answer = await callDaemon(path, { ...call, signal: silent.signal });
    if (answer === undefined) throw ended();
    await within(afterAnswer, events.told(answer.lastEvent));
    return answer;
  } catch (error) {
    if (silent.signal.aborted) throw new ConfigSyncError("TIMED_OUT", "the daemon says nothing any more");
    // Without the cause: nobody shall take it for one that was not asked yet, and ask for the same work again.
    throw asConfigSyncError(error).code === "DAEMON_ABSENT" ? ended() : error;
  } finally {
    stream.destroy();
  }
}

function ended(): ConfigSyncError {
  return new ConfigSyncError("DAEMON_ABSENT", "the daemon ended in the middle of its work");
}

/** Milliseconds. While there is nothing to tell, it says so every 15 s. */
const silence = 40_000;

/** Milliseconds that events may still be under way when the work is answered. */
const afterAnswer = 1000;

interface Events {
  /** Resolves when everything that happens from now on is told. */
  readonly begun: Promise<void>;
  /** Resolves when the event with this id was told, or nothing more comes. */
  readonly told: (id: string | undefined) => Promise<void>;
}

/** Server-sent events as the daemon writes them: `id: …` and `data: …`, a line each, then an empty one. */
function readEvents(stream: IncomingMessage, tell: (event: SyncEvent) => void): Events {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const known = new Set<string>();
  let onTold = (_id: string): void => undefined;
  let id = "";
  const lines = createInterface({ input: stream });
  // Of a connection that is cut the stream tells, too, and readline would throw it at nobody.
  lines.on("error", () => undefined);
  lines.on("line", (line) => {
    const [, field, value = ""] = /^(id|data): (.*)$/.exec(line) ?? [];
    if (field === "id") id = value;
    if (field === "data") tell(JSON.parse(value) as SyncEvent);
    if (line !== "") return;
    known.add(id);
    begin();
    onTold(id);
  });
  for (const over of ["close", "error"])
    stream.once(over, () => {
      begin();
      end();
    });
  const told: Events["told"] = (last) => {
    if (last === undefined || known.has(last)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    onTold = (one) => {
      if (one === last) resolve();
    };
    return Promise.race([promise, ended]);
  };
  return { begun, told };
}
