import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

// Nothing that is measured here takes a tenth of it; who waits this long waits in vain.
const patience = 20_000;

/** Looks at one file the moment its folder tells of it, as a service would. */
export interface Observer {
  /** Resolves with the time at which the file was first read with this text in it. */
  readonly seen: (text: string) => Promise<number>;
  /** Every different content that was ever read. */
  readonly contents: ReadonlySet<string>;
  readonly close: () => void;
}

export function observe(path: string): Observer {
  const contents = new Set<string>();
  let awaited: { readonly text: string; readonly resolve: (at: number) => void } | undefined;
  const look = (): void => {
    const content = readIfThere(path);
    if (content === undefined) return;
    const at = performance.now();
    contents.add(content);
    if (awaited !== undefined && content.includes(awaited.text)) awaited.resolve(at);
  };
  const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
    if (name === basename(path)) look();
  });
  const seen = (text: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${path} never held ${text}`)), patience);
      const found = (at: number): void => {
        clearTimeout(late);
        awaited = undefined;
        resolve(at);
      };
      awaited = { text, resolve: found };
      look();
    });
  return { seen, contents, close: () => watcher.close() };
}

/**
 * Resolves with the time at which all files hold the text. One file after the other is asked every other millisecond until it
 * has it: a thousand watches here would cost the program under test the processor that it needs.
 */
export async function allSeen(paths: readonly string[], text: string): Promise<number> {
  const at = await seenWithin(patience, paths, text);
  if (at === Number.POSITIVE_INFINITY) throw new Error(`${paths.join(", ").slice(0, 200)} never held ${text}`);
  return at;
}

/** The same for what may never come: Infinity then. */
export async function seenWithin(milliseconds: number, paths: readonly string[], text: string): Promise<number> {
  const end = performance.now() + milliseconds;
  for (const path of paths) {
    while (!readIfThere(path)?.includes(text)) {
      if (performance.now() > end) return Number.POSITIVE_INFINITY;
      await wait(2);
    }
  }
  return performance.now();
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The values that a service has loaded, in their order. */
export function loadsOf(log: string): string[] {
  return readIfThere(log)?.split("\n").slice(0, -1) ?? [];
}
