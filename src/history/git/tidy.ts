import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "../../platform/git.ts";
import { removeRemains } from "./remains.ts";

const mostPacks = 50;

/**
 * Every import leaves a pack. When there are too many, small ones are put together so that each is twice as large as all smaller ones:
 * their number grows with the logarithm of the revisions, and each revision is rewritten as seldom.
 */
export async function tidyPacks(git: Git, signal: AbortSignal): Promise<void> {
  const packs = readdirSync(join(git.folder, "objects/pack")).filter((name) => name.endsWith(".pack"));
  if (packs.length <= mostPacks) return;
  removeRemains(git.folder);
  await git.run(["repack", "--geometric=2", "-d", "--quiet"], { isIdleWork: true, timeout: 30 * 60_000, signal });
}
