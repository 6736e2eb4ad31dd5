/**
 * The queue of one WebSocket. Who is behind costs what waits for him and one message more: what happens from then on is joined to one
 * update, from what he has last seen to what is newest.
 */
import type { WebSocket } from "ws";
import { type Closing, closings } from "./ws-closings.ts";
import type { Seen, Update } from "./ws-messages.ts";

export interface Reader {
  /** The first message. */
  readonly begin: (message: Buffer) => void;
  readonly tell: (update: Update) => void;
  /** Asks for a sign of life, and closes the socket where there was none for two beats. */
  readonly beat: () => void;
  readonly close: (closing: Closing) => void;
}

/** Bytes that may wait to be taken before further messages are joined. */
export const mostWaiting = 256 * 1024;

/** The answer to a ping comes behind all that was sent before it: it also says that this was taken. */
const mostBeats = 2;

/** What he has last seen, and what he will be told of when there is room. */
interface Behind {
  readonly seen: Seen & { readonly secrets: Set<string> };
  newest: Update;
}

const asText = { binary: false };
const asPart = { binary: false, fin: false };

export function createReader(socket: WebSocket): Reader {
  let behind: Behind | undefined;
  let asked = 0;
  let beatsWaited = 0;

  const isOpen = (): boolean => socket.readyState === socket.OPEN;
  const isFree = (): boolean => socket.bufferedAmount <= mostWaiting;

  const tell = (update: Update): void => {
    if (!isOpen()) return;
    if (behind === undefined && isFree()) socket.send(update.message(), asText, onTaken);
    else miss(update);
  };

  const miss = (update: Update): void => {
    behind ??= { seen: { state: update.before, secrets: new Set() }, newest: update };
    behind.newest = update;
    for (const path of update.secrets) behind.seen.secrets.add(path);
  };

  // Something waits whenever the reader is behind, so that this comes in any case.
  const onTaken = (): void => {
    if (behind !== undefined && isOpen() && isFree()) catchUp(behind);
  };

  const catchUp = ({ seen, newest }: Behind): void => {
    behind = undefined;
    const parts = newest.since(seen);
    if (parts === undefined) return;
    for (const part of parts.slice(0, -1)) socket.send(part, asPart);
    socket.send(parts.at(-1) ?? "", asText, onTaken);
  };

  const beat = (): void => {
    if (!isOpen()) return;
    if (beatsWaited++ === 0) socket.ping(`${++asked}`);
    else if (beatsWaited > mostBeats) close(closings.tooSlow);
  };

  const close = ([code, reason]: Closing): void => {
    behind = undefined;
    socket.close(code, reason);
  };

  // Pongs that nobody asked for are heartbeats of programs that may have read nothing (RFC 6455, 5.5.3).
  socket.on("pong", (said) => {
    if (said.toString() === `${asked}`) beatsWaited = 0;
  });
  socket.on("message", () => isOpen() && close(closings.takesNothing));
  // What is no WebSocket frame, or too large a one: ws closes it with a code that says so.
  socket.on("error", () => undefined);

  return { begin: (message) => socket.send(message, asText, onTaken), tell, beat, close };
}
