/** The last events, numbered, so that who was cut off can go on where it was. Bounded in number and in bytes. */
import { randomBytes } from "node:crypto";
import type { SyncEvent } from "../../sync/events.ts";

export interface NumberedEvent {
  /** `START-7`: the first part is of this start of the daemon, since numbers begin anew with it. */
  readonly id: string;
  readonly event: SyncEvent;
  /** The event as JSON, made once for all who read it. */
  readonly text: string;
}

export interface EventLog {
  readonly add: (event: SyncEvent) => void;
  /**
   * What came after the event with this id, and whether anything between is missing, because it was too long ago or before this
   * start. Without an id: nothing.
   */
  readonly since: (id: string | undefined) => { readonly events: readonly NumberedEvent[]; readonly gap: boolean };
  readonly follow: (tell: (event: NumberedEvent) => void) => () => void;
  readonly lastId: () => string;
}

export function createEventLog(most: { readonly events: number; readonly bytes: number }): EventLog {
  const start = randomBytes(6).toString("hex");
  const followers = new Set<(event: NumberedEvent) => void>();
  let kept: NumberedEvent[] = [];
  let bytes = 0;
  let number = 0;

  const add = (event: SyncEvent): void => {
    const numbered = { id: `${start}-${++number}`, event, text: JSON.stringify(event) };
    kept.push(numbered);
    bytes += numbered.text.length;
    let tooMany = 0;
    while (kept.length - tooMany > most.events || (bytes > most.bytes && kept.length - tooMany > 0)) {
      bytes -= kept[tooMany++]?.text.length ?? 0;
    }
    if (tooMany > 0) kept = kept.slice(tooMany);
    for (const tell of followers) tell(numbered);
  };

  const since: EventLog["since"] = (id) => {
    if (id === undefined) return { events: [], gap: false };
    const [from, text = ""] = id.split("-");
    const seen = Number(/^\d{1,15}$/.exec(text)?.[0] ?? Number.NaN);
    const oldest = number - kept.length;
    if (from !== start || Number.isNaN(seen) || seen > number) return { events: kept, gap: true };
    return { events: kept.slice(Math.max(0, seen - oldest)), gap: seen < oldest };
  };

  const follow: EventLog["follow"] = (tell) => {
    followers.add(tell);
    return () => void followers.delete(tell);
  };

  return { add, since, follow, lastId: () => `${start}-${number}` };
}
