import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type Dockerode from "dockerode";

/** Something happened to a container: it was started, ended, paused, renamed, removed, or its health is another. */
export interface ContainerEvent {
  readonly container: string;
}

/**
 * What makes a container another, or its service well or ill. Without the filter, events of every `docker exec` and of every
 * health check would come too, with their command lines and whatever passwords stand in them. `restart` says nothing that
 * `die` and `start` have not said.
 */
const kinds = ["start", "die", "pause", "unpause", "rename", "destroy", "health_status"];

/** A line longer than this is no event: names and labels are short. */
const longestLine = 1024 * 1024;

/** Opens the stream of events; it is open when the answer's head is there. */
export async function openEvents(client: Dockerode, signal: AbortSignal): Promise<AsyncIterable<ContainerEvent>> {
  const filters = JSON.stringify({ type: ["container"], event: kinds });
  // The types do not know the signal, which docker-modem takes from here as in every other call.
  const options = { filters, abortSignal: signal } as Dockerode.GetEventsOptions;
  const stream = (await client.getEvents(options)) as IncomingMessage;
  // A host that vanished without a word would leave us listening for ever.
  stream.socket.setKeepAlive(true, 30_000);
  return readEvents(stream);
}

async function* readEvents(stream: Readable): AsyncGenerator<ContainerEvent> {
  for await (const line of readLines(stream)) yield* readEvent(line);
}

/** One JSON object a line; a chunk may hold several, or half of one. */
async function* readLines(stream: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine) throw new Error("the Docker Engine sent a line without an end");
    yield* lines;
  }
}

/** A rename concerns whoever knows the old name and whoever waits for the new one. */
function readEvent(line: string): ContainerEvent[] {
  const { name, oldName } = attributesOf(line);
  return [name, oldName]
    .filter((known) => typeof known === "string")
    .map((known) => ({ container: known.replace(/^\//, "") }));
}

function attributesOf(line: string): { readonly name?: unknown; readonly oldName?: unknown } {
  try {
    return JSON.parse(line)?.Actor?.Attributes ?? {};
  } catch {
    return {};
  }
}
