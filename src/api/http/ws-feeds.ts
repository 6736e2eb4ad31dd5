/** Who reads which app. An app is watched once, however many read it, and a message is made once for all who see the same. */
import type { TreeApp, TreeChanged, TreeState } from "../../apps/tree-app.ts";
import { presentState, type TreeReader } from "./tree-reading.ts";
import { closings } from "./ws-closings.ts";
import { configMessage, updateOf } from "./ws-messages.ts";
import type { Reader } from "./ws-reader.ts";

export interface Feeds {
  /** What somebody would read; only `take` keeps anything, and has to follow at once. Throws why there is nothing to read. */
  readonly reserve: (who: TreeReader) => Place;
}

export interface Place {
  /** Sends the first message, and from then on tells the reader of every change. Returns what ends that. */
  readonly take: (reader: Reader) => () => void;
}

export function createFeeds(now: () => number = performance.now.bind(performance)): Feeds {
  /** By the name of the app. */
  const feeds = new Map<string, Feed>();

  const reserve: Feeds["reserve"] = (who) => {
    const { app, principal } = who;
    const kind = JSON.stringify(principal.grant.sections?.toSorted() ?? null);
    const state = presentState(who);
    const audience = feeds.get(app.name)?.audiences.get(kind) ?? createAudience(who, state, now);
    const first = audience.first(state);
    const take: Place["take"] = (reader) => {
      const feed = feeds.get(app.name) ?? open(app);
      feed.audiences.set(kind, audience);
      audience.readers.set(reader, first.revision);
      reader.begin(first.message);
      return leaving(reader, { name: app.name, feed, kind, audience });
    };
    return { take };
  };

  const open = (app: TreeApp): Feed => {
    const audiences: Feed["audiences"] = new Map();
    const tell = (changed: TreeChanged): void => {
      for (const audience of audiences.values()) audience.tell(changed);
    };
    const end = (): void => {
      close(app.name, feed);
      for (const { readers } of audiences.values()) for (const reader of readers.keys()) reader.close(closings.removed);
    };
    const feed = { audiences, stop: app.watch(tell, end) };
    feeds.set(app.name, feed);
    return feed;
  };

  /** Apart from `take`: it lives as long as the reader, and must not keep his first message for so long. */
  const leaving =
    (reader: Reader, { name, feed, kind, audience }: Seat): (() => void) =>
    () => {
      audience.readers.delete(reader);
      if (audience.readers.size === 0) feed.audiences.delete(kind);
      if (feed.audiences.size === 0) close(name, feed);
    };

  const close = (name: string, feed: Feed): void => {
    // An app of the same name may have been made meanwhile.
    if (feeds.get(name) === feed) feeds.delete(name);
    feed.stop();
  };

  return { reserve };
}

interface Feed {
  /** By what they see. */
  readonly audiences: Map<string, Audience>;
  readonly stop: () => void;
}

/** All who see the same of an app. */
interface Audience {
  readonly first: (state: TreeState) => First;
  readonly tell: (changed: TreeChanged) => void;
  /** Each with the revision that it began with: what led to that may be told only now. */
  readonly readers: Map<Reader, number>;
}

interface Seat {
  readonly name: string;
  readonly feed: Feed;
  readonly kind: string;
  readonly audience: Audience;
}

interface First {
  readonly message: Buffer;
  readonly revision: number;
}

/** Milliseconds for which a first message is kept for others: not longer, since what is secret may be declared anew at any time. */
const kept = 1000;

/** `who` stands for all of them: what they see does not depend on their names. */
function createAudience(who: TreeReader, present: TreeState, now: () => number): Audience {
  const readers: Audience["readers"] = new Map();
  let before = present;
  let last: (First & { readonly at: number }) | undefined;

  const first: Audience["first"] = (state) => {
    const { number: revision } = state.revision;
    if (last === undefined || last.revision !== revision || now() - last.at > kept)
      last = { message: configMessage(who, state), revision, at: now() };
    return last;
  };

  const tell: Audience["tell"] = (changed) => {
    const update = updateOf(who, changed, before);
    const { data, schema, revision } = changed;
    before = { data, schema, revision };
    last = undefined;
    if (update === undefined) return;
    for (const [reader, since] of readers) if (changed.revision.number > since) reader.tell(update);
  };

  return { first, tell, readers };
}
