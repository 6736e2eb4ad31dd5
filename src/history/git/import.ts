import { dirname, join } from "node:path";
import { ConfigSyncError } from "../../errors.ts";
import type { Git } from "../../platform/git.ts";
import { syncFolder } from "../../platform/safe-write/sync.ts";
import { committer, formatCommit } from "./commit.ts";
import type { Pending } from "./contents.ts";
import { branch } from "./repository.ts";

/**
 * Makes a commit of each revision on top of `tip`, by one process, and moves the branch. Everything is durable afterwards. Returns the
 * commits in order. Throws HISTORY_UNUSABLE, also where somebody moved the branch meanwhile; the branch is then as it was.
 */
export async function importRevisions(
  git: Git,
  tip: string | null,
  revisions: readonly Pending[],
  signal?: AbortSignal,
): Promise<string[]> {
  const input = [...revisions.flatMap((revision, index) => formatRevision(revision, index + 1, tip)), text("done\n")];
  const args = ["fast-import", "--quiet", "--done", "--date-format=raw"];
  const { output } = await git.run(args, { input, timeout: 600_000, ...(signal && { signal }) });
  const commits = output.toString().split("\n").filter(Boolean);
  if (commits.length !== revisions.length)
    throw new ConfigSyncError("HISTORY_UNUSABLE", "git fast-import named no commits");
  // git makes its files durable, and leaves their names in the folders to the file system.
  await syncFolder(join(git.folder, "objects/pack"));
  await syncFolder(dirname(join(git.folder, branch)));
  return commits;
}

function formatRevision(revision: Pending, mark: number, tip: string | null): Uint8Array[] {
  const { app, entries, contents } = revision;
  const { author, message } = formatCommit(app, revision);
  const date = author.slice(author.lastIndexOf("<>") + "<> ".length);
  const head = `commit ${branch}\nmark :${mark}\nauthor ${author}\ncommitter ${committer} ${date}\n`;
  const from = mark === 1 && tip !== null ? `from ${tip}\n` : "";
  const folder = quote(app);
  const files = entries.flatMap(({ name, id }) => {
    const path = quote(`${app}/${name}`);
    const bytes = contents.get(id);
    if (bytes === undefined) return [text(`M 100644 ${id} ${path}\n`)];
    return [text(`M 100644 inline ${path}\n`), ...formatData(bytes)];
  });
  // The folder is made anew, so that nothing is in it that somebody put there by hand.
  return [
    text(head),
    ...formatData(text(message)),
    text(`${from}D ${folder}\n`),
    ...files,
    text(`\nget-mark :${mark}\n`),
  ];
}

/** Counted, so that no byte in it means anything to git. */
function formatData(bytes: Uint8Array): Uint8Array[] {
  return [text(`data ${bytes.length}\n`), bytes, text("\n")];
}

/** Names have no backslash and no control character. */
function quote(path: string): string {
  return `"${path.replaceAll('"', '\\"')}"`;
}

function text(value: string): Buffer {
  return Buffer.from(value);
}
