import type { Snapshot } from "../config/layers.ts";
import { formatPath, parsePath } from "../config/path.ts";
import { ConfigSyncError, formatPlace } from "../errors.ts";
import { showValue } from "./events.ts";
import type { Renderings } from "./renderings.ts";

/** Where a value comes from and where it goes. */
export interface Explanation {
  readonly key: string;
  readonly value: string | null;
  /** The winner first. */
  readonly candidates: readonly { readonly source: string; readonly place: string; readonly value: string }[];
  readonly usedBy: readonly { readonly service: string; readonly output: string }[];
  /** The services that cannot be rendered, so that nobody can say what they use. */
  readonly unknown: readonly string[];
}

/** Explains a key, or every key of a section, by the written path. Throws NOT_FOUND with the nearest key that there is. */
export function explainKeys(
  written: string,
  { entries, candidates }: Snapshot,
  renderings: Renderings,
): readonly Explanation[] {
  const rendered = [...renderings.values()].flatMap(({ wanted }) => wanted?.service ?? []);
  const unknown = [...renderings].flatMap(([name, { error }]) => (error === undefined ? [] : name));
  const usedBy = (key: string): Explanation["usedBy"] =>
    rendered.flatMap(({ name, outputs }) =>
      outputs
        .filter(({ used }) => used.some((one) => covers(one, key)))
        .map(({ shownPath }) => ({ service: name, output: shownPath })),
    );
  const path = parsePath(written);
  const asked = path === undefined ? written : formatPath(path);
  const keys = [...entries.keys()].filter((key) => covers(asked, key));
  // A key that nobody gives may still be asked for by a template.
  if (keys.length === 0 && usedBy(asked).length > 0) keys.push(asked);
  if (keys.length === 0) {
    const hint = nearest(asked, [...entries.keys()]);
    throw new ConfigSyncError("NOT_FOUND", `no source has a key ${asked}`, {
      hint: hint === undefined ? undefined : `Did you mean ${hint}?`,
    });
  }
  return keys.map((key) => {
    const given = (candidates.get(key) ?? []).map((entry) => ({
      source: entry.origin.source,
      place: formatPlace(entry.origin),
      value: showValue(entry),
    }));
    return { key, value: given[0]?.value ?? null, candidates: given, usedBy: usedBy(key), unknown };
  });
}

function covers(outer: string, key: string): boolean {
  return key === outer || key.startsWith(`${outer}.`);
}

/** The key that shares the longest beginning or the same last segment. */
function nearest(asked: string, keys: readonly string[]): string | undefined {
  const last = asked.split(".").at(-1) ?? asked;
  const shared = (key: string): number => {
    let length = 0;
    while (length < key.length && key[length] === asked[length]) length++;
    return length + (key.endsWith(`.${last}`) ? last.length : 0);
  };
  const [best] = keys.toSorted((a, b) => shared(b) - shared(a));
  return best !== undefined && shared(best) >= 3 ? best : undefined;
}
