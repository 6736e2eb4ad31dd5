import type { Git } from "../../platform/git.ts";
import type { Archive } from "./archive.ts";
import { listCommits } from "./commit-list.ts";
import { type Contents, emptyContents } from "./contents.ts";
import { hasRepository, readTip } from "./repository.ts";

/** What the repository alone says, where there is no journal: it is a clone that was put in the place of a lost history. */
export async function surveyRepository(git: Git, archive: Archive): Promise<Contents> {
  const contents = emptyContents();
  const tip = hasRepository(git.folder) ? await readTip(git) : null;
  if (tip === null) return contents;
  const newest = new Map<string, { readonly number: number; readonly id: string }>();
  for (const { app, number, id } of (await listCommits(git, tip)).revisions) {
    if (number > (newest.get(app)?.number ?? 0)) newest.set(app, { number, id });
  }
  for (const [app, { id }] of newest) {
    const recorded = await archive.recorded(id, app);
    if (recorded === undefined) continue;
    contents.filed.set(app, recorded);
    contents.heads.set(app, recorded);
  }
  return { ...contents, commit: tip };
}
