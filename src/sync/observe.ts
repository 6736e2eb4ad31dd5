import { access } from "node:fs/promises";
import { type Current, readCurrent } from "../platform/safe-write.ts";
import type { RenderedOutput, RenderedService } from "../services/render.ts";

/** What is really there for one output. */
export interface Observed {
  readonly output: RenderedOutput;
  readonly current: Current | undefined;
  /** The first of the output's required files that does not exist; the output is left alone until it does. */
  readonly lacks: string | undefined;
}

/** Looks at the outputs of a service on disk. Throws WRITE_FAILED for what is no readable regular file. */
export function observeOutputs(service: RenderedService): Promise<Observed[]> {
  return Promise.all(
    service.outputs.map(async (output) => ({
      output,
      current: await readCurrent(output.path),
      lacks: await firstMissing(output.requires),
    })),
  );
}

async function firstMissing(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (!there) return path;
  }
  return undefined;
}
