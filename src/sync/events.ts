import type { Change } from "../config/diff.ts";
import type { Entry } from "../config/layers.ts";
import { maskUrls } from "../config/secret.ts";
import { type ConfigSyncError, formatPlace, type Place } from "../errors.ts";
import type { Revision } from "./record.ts";

/**
 * What the engine tells while it works: plain data without secrets. The log, the progress of `apply` and every later stream
 * read the same list.
 */
export type SyncEvent =
  | { readonly type: "revision"; readonly revision: Revision; readonly changes: readonly ShownChange[] }
  | { readonly type: "input-refused"; readonly problems: readonly Problem[] }
  | { readonly type: "input-healed" }
  | { readonly type: "mended"; readonly text: string }
  | { readonly type: "unwatched"; readonly text: string }
  | { readonly type: "service"; readonly service: string; readonly step: Step; readonly text: string };

/** How far a service is; those after `rolling-back` end a turn. */
export type Step =
  | "writing"
  | "reloading"
  | "probing"
  | "rolling-back"
  | "healthy"
  | "refused"
  | "rolled-back"
  | "waiting"
  | "drifted";

export type Emit = (event: SyncEvent) => void;

export interface ShownChange {
  readonly key: string;
  readonly kind: Change["kind"];
  readonly before?: string;
  readonly after?: string;
  /** `config.ini:12:1`, or the name of a source without lines. */
  readonly place: string;
}

export interface Problem extends Place {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** All of it in one line for people. */
  readonly text: string;
}

export function showProblem(error: ConfigSyncError): Problem {
  const { code, message, place, hint } = error;
  return { code, message, ...place, ...(hint === undefined ? {} : { hint }), text: error.toText() };
}

export function showChange({ key, kind, before, after }: Change): ShownChange {
  const origin = (after ?? before)?.origin;
  return {
    key,
    kind,
    ...(before === undefined ? {} : { before: showValue(before) }),
    ...(after === undefined ? {} : { after: showValue(after) }),
    place: origin === undefined ? "" : formatPlace({ ...origin, file: origin.file ?? origin.source }),
  };
}

const longestShown = 60;

/** A value on one line, its control characters escaped; a Secret shows itself masked, and so does a password in a URL. */
export function showValue({ value }: Pick<Entry, "value">): string {
  const text = escapeControls(maskUrls(String(value)));
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/** On one line, and nothing in it that a terminal obeys. */
export function escapeControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    const short = JSON.stringify(character).slice(1, -1);
    return short === character ? `\\u00${character.charCodeAt(0).toString(16)}` : short;
  });
}

export type Tone = "good" | "bad" | "busy" | "quiet";

export interface EventLine {
  /** The service, or the part of the program that speaks. */
  readonly about: string;
  readonly text: string;
  readonly tone: Tone;
}

/** An event as a line for people. */
export function describeEvent(event: SyncEvent): EventLine {
  switch (event.type) {
    case "revision":
      return { about: "config", text: describeRevision(event.revision.number, event.changes), tone: "quiet" };
    case "input-refused":
      return {
        about: "config",
        text: `${event.problems.map(({ text }) => text).join("\n")}\nThe last good values stay in force`,
        tone: "bad",
      };
    case "input-healed":
      return { about: "config", text: "the sources are in order again", tone: "good" };
    case "mended":
      return { about: "state", text: event.text, tone: "quiet" };
    case "unwatched":
      return { about: "watch", text: event.text, tone: "bad" };
    case "service":
      return { about: event.service, text: `${words[event.step]} ${event.text}`.trim(), tone: tones[event.step] };
  }
}

const mostShown = 5;

function describeRevision(number: number, changes: readonly ShownChange[]): string {
  if (changes.length === 0) return `revision ${number}: the same values`;
  if (changes.length > mostShown) return `revision ${number}: ${changes.length} values`;
  const lines = changes.map(({ key, kind, before, after, place }) => {
    if (kind === "removed") return `${key} removed (was ${before})`;
    return `${key}${kind === "added" ? ` = ${after}` : ` ${before} → ${after}`} (${place})`;
  });
  return [`revision ${number}:`, ...lines].join(lines.length === 1 ? " " : "\n  ");
}

const words: Readonly<Record<Step, string>> = {
  writing: "writing",
  reloading: "reloading:",
  probing: "asking:",
  "rolling-back": "going back:",
  healthy: "healthy",
  refused: "refused, nothing changed:",
  "rolled-back": "back on the last good state:",
  waiting: "waiting:",
  drifted: "changed by somebody else:",
};

const tones: Readonly<Record<Step, Tone>> = {
  writing: "busy",
  reloading: "busy",
  probing: "busy",
  "rolling-back": "bad",
  healthy: "good",
  refused: "bad",
  "rolled-back": "bad",
  waiting: "bad",
  drifted: "bad",
};
