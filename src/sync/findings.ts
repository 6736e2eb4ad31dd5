import type { Snapshot } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import { violationError } from "../config/rules/index.ts";
import type { Violation } from "../config/rules/rule.ts";
import { asConfigSyncError, type ConfigSyncError, formatPlace, type Place } from "../errors.ts";
import { confine } from "../platform/confine.ts";
import type { Service } from "../services/catalog.ts";
import type { Renderings, Wanted } from "./renderings.ts";
import { findUnheard } from "./unheard.ts";

/** What is found without asking a service. Errors stand in the way, warnings do not. */
export interface Finding {
  readonly severity: "error" | "warning";
  /** All of it in one line for people. */
  readonly text: string;
  readonly code?: string;
  readonly key?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly hint?: string;
}

export interface Findable {
  readonly problems: readonly ConfigSyncError[];
  readonly snapshot: Snapshot | undefined;
  readonly renderings: Renderings;
  readonly services: readonly Service[];
  /** The folders that outputs may lie in. */
  readonly roots: readonly string[];
  /** What the rules of the schema find besides the problems. */
  readonly violations?: readonly Violation[];
}

export function findAll({ problems, snapshot, renderings, services, roots, violations = [] }: Findable): Finding[] {
  return [
    ...problems.map((problem) => findingOf(problem)),
    ...violations.map((violation) => ({ ...findingOf(violationError(violation)), severity: violation.severity })),
    ...[...renderings].flatMap(([name, { error, wanted }]) =>
      error === undefined ? findForbidden(name, wanted, roots) : findingOf(error, name),
    ),
    ...services.flatMap(({ warnings }) => warnings.map(warning)),
    ...(snapshot === undefined ? [] : findUnheard(snapshot, services)).map(warning),
    ...(snapshot?.overruled ?? []).map(({ entry, by }) => {
      const key = formatPath(entry.path);
      const message = `${key} has no effect: ${by.origin.source} has the last word on it`;
      return warning({ place: entry.origin, key, message, hint: `Remove it, or change it in ${by.origin.source}` });
    }),
  ];
}

/** Outputs that apply will not write. */
function findForbidden(name: string, wanted: Wanted | undefined, roots: readonly string[]): Finding[] {
  return (wanted?.service.outputs ?? []).flatMap(({ path }) => {
    try {
      confine(path, roots);
      return [];
    } catch (thrown) {
      return findingOf(asConfigSyncError(thrown), name);
    }
  });
}

/** An error as a finding; `about` is the service that it was met at. */
export function findingOf(error: ConfigSyncError, about?: string): Finding {
  const { code, key, hint, place } = error;
  const text = `${about === undefined ? "" : `${about}: `}${error.toText()}`;
  return { severity: "error", text, code, ...present({ key, hint }), ...placeOf(place) };
}

interface Warned {
  readonly place: Place;
  readonly message: string;
  readonly hint: string;
  readonly key?: string;
}

function warning({ place, message, hint, key }: Warned): Finding {
  const text = `${formatPlace(place)}: ${message}. ${hint}`;
  return { severity: "warning", text, ...present({ key, hint }), ...placeOf(place) };
}

function placeOf({ file, line, column }: Place) {
  return { ...present({ file }), ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

function present(texts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}
