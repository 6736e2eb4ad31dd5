import { afterEach } from "vitest";
import type { Layer } from "../../../src/config/layers.ts";
import { reveal, secretPaths } from "../../../src/config/secret.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";
import { type FileSourceOptions, fileSource } from "../../../src/sources/file.ts";
import type { Source } from "../../../src/sources/source.ts";

/** A source whose watch is without looks for an hour, unless told otherwise: only events tell. */
export function openSource(path: string, more: Partial<FileSourceOptions> = {}): Source {
  return fileSource({
    path,
    name: "config.ini",
    protected: false,
    substitute: false,
    secretPaths: secretPaths([]),
    lookEvery: 3_600_000,
    environment: {},
    ...more,
  });
}

export type Outcome = Layer | ConfigSyncError;

/**
 * Watches a source and looks as the daemon does: one look at a time, another one when a hint came meanwhile. `onLook` gets every
 * outcome in order. Ends with the test.
 */
export function useFollow() {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  return async (source: Source, onLook: (outcome: Outcome) => void): Promise<{ readonly idle: () => boolean }> => {
    let looking = false;
    let again = false;
    const look = async (): Promise<void> => {
      again = true;
      if (looking) return;
      looking = true;
      while (again) {
        again = false;
        onLook(await source.load().catch((error: ConfigSyncError) => error));
      }
      looking = false;
    };
    stops.push((await source.watch?.(() => void look())) ?? (async () => {}));
    await look();
    return { idle: () => !looking };
  };
}

/** The value of `[s] k`, or the code of the error. */
export function readK(outcome: Outcome): string {
  if ("code" in outcome) return outcome.code;
  const entry = outcome.entries.find(({ path }) => path[0] === "s" && path[1] === "k");
  return entry === undefined ? "no value" : reveal(entry.value);
}

export const text = (value: string): string => `[s]\nk = ${value}\n`;
