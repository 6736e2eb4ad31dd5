/** Everything that was seen of config-sync, and where a canary in it is right. */
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { Flock, Found, Name } from "./canaries.ts";

export interface Sighting extends Found {
  readonly place: string;
}

export interface Evidence {
  /** Remembers what was seen at a place. */
  readonly note: (place: string, bytes: Buffer | string) => void;
  /** The secrets that were seen where they do not belong. */
  readonly leaks: () => readonly Sighting[];
  /** How many texts were seen at places that begin so. */
  readonly count: (place: string) => number;
}

/** Where secrets stand by right; by the beginning of the place. Everything else is a leak. */
const rightly: Readonly<Record<string, readonly Name[] | "all">> = {
  "file services/": "all",
  "file config.ini": ["url", "hand"],
  "file system.ini": ["system"],
  "file config-sync.yaml": ["push", "supervisord"],
  "file token": ["environmentFile"],
  "file keys": ["made"],
  // Revisions are the documents byte for byte: what stands in them in clear stands in clear here. Those of apps are sealed.
  "file state/history/": ["url", "hand", "system"],
  "git objects": ["url", "hand", "system"],
  // git is given the password by its environment.
  "file seen/git": ["push"],
};

export function createEvidence(flock: Flock): Evidence {
  const seen = new Map<string, { readonly place: string; readonly bytes: Buffer }>();
  return {
    // Most is said more than once.
    note: (place, bytes) =>
      void seen.set(hash("sha1", Buffer.from(`${place}\n${bytes}`)), { place, bytes: Buffer.from(bytes) }),
    leaks: () =>
      [...seen.values()].flatMap(({ place, bytes }) => flock.find(bytes).flatMap((found) => leakAt(place, found))),
    count: (place) => [...seen.values()].filter((one) => one.place.startsWith(place)).length,
  };
}

function leakAt(place: string, found: Found): Sighting[] {
  const right = Object.entries(rightly).find(([beginning]) => place.startsWith(beginning))?.[1] ?? [];
  const isRight = right === "all" || (found.name !== undefined && right.includes(found.name));
  return isRight ? [] : [{ place, ...found }];
}

/** Every file of a workspace, what git keeps compressed, and the names of all of them. */
export function noteFiles(evidence: Evidence, folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = path.join(folder, name);
    evidence.note("name of a file", name);
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) evidence.note(`file ${name}`, readFileSync(file));
  }
  const history = path.join(folder, "state/history");
  if (!existsSync(path.join(history, "HEAD"))) return;
  const args = ["-C", history, "cat-file", "--batch-all-objects", "--batch", "--buffer"];
  evidence.note("git objects", execFileSync("git", args, { maxBuffer: 1 << 28 }));
}

/** The command lines of everybody who runs now. */
export function noteProcesses(evidence: Evidence): void {
  const lines = readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, "utf8")] : [];
    } catch {
      return []; // it has just ended
    }
  });
  evidence.note("processes", lines.join("\n"));
}

/** For the message of a failed test: each place and kind once. */
export function describeLeaks(leaks: readonly Sighting[]): string {
  const byPlace = Map.groupBy(leaks, ({ place, name, form }) => `${place}: ${name ?? "a secret"}, ${form}`);
  return [...byPlace]
    .map(([title, [first]]) => `${title}\n    ${first?.excerpt.replaceAll("\n", "\n    ")}`)
    .join("\n");
}
