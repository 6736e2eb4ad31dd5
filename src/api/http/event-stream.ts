/** One reader of the events: server-sent events over an answer that stays open. */
import type { ServerResponse } from "node:http";
import type { EventLog, NumberedEvent } from "./event-log.ts";
import { type Sight, seenEvent } from "./sight.ts";

export interface EventStream {
  /** It came by the daemon's own socket. */
  readonly isLocal: boolean;
  /** Ends the answer properly; the reader comes back by itself. */
  readonly end: () => void;
}

/**
 * Bytes that may wait for a reader when there is more to tell; one that has not taken them by then is cut off, and can go on from its
 * last event. What is told at once (one event, or all that was missed) may be more: it has had no time to be taken.
 */
const mostUnread = 1024 * 1024;

/** Milliseconds. Proxies close what is silent, and a reader that is gone is noticed when it is written to. */
const beat = 15_000;

export interface StreamOptions {
  readonly log: EventLog;
  readonly sight: Sight;
  readonly isLocal: boolean;
  /** Last-Event-ID. */
  readonly after: string | undefined;
  /** Asked with every beat: whether the reader still may read. */
  readonly mayStay: () => Promise<boolean>;
  readonly onEnd: () => void;
}

/** The head of the answer has been written. */
export function streamEvents(
  response: ServerResponse,
  { log, sight, isLocal, after, mayStay, onEnd }: StreamOptions,
): EventStream {
  const write = (text: string): void => {
    if (response.destroyed || response.writableEnded || text === "") return;
    if (response.writableLength > mostUnread) response.destroy();
    else response.write(text);
  };

  const { events, gap } = log.since(after);
  // The id comes with the first words, so that also who has seen no event yet can go on from here.
  const missed = gap ? `event: gap\ndata: {"type":"gap"}\n\n` : "";
  write(`retry: 2000\n${after === undefined ? `id: ${log.lastId()}\n` : ""}: config-sync\n\n${missed}`);
  write(events.map((event) => textOf(event, sight)).join(""));
  const unfollow = log.follow((event) => write(textOf(event, sight)));

  const end = (): void => void response.end();
  const timer = setInterval(() => {
    write(": still here\n\n");
    mayStay().then(
      (stays) => stays || end(),
      () => end(),
    );
  }, beat).unref();

  response.once("close", () => {
    clearInterval(timer);
    unfollow();
    onEnd();
  });
  return { isLocal, end };
}

function textOf({ id, event, text }: NumberedEvent, sight: Sight): string {
  const seen = seenEvent(event, sight);
  if (seen === undefined) return "";
  return `id: ${id}\nevent: ${event.type}\ndata: ${seen === event ? text : JSON.stringify(seen)}\n\n`;
}
