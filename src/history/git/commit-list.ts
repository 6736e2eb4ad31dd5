import type { Git } from "../../platform/git.ts";
import { committer, parseTrailers } from "./commit.ts";

export interface ListedCommit {
  readonly id: string;
  readonly app: string;
  readonly number: number;
}

export interface ListedCommits {
  /** Those that are revisions, newest first. */
  readonly revisions: readonly ListedCommit[];
  /** Commits that were looked at, of whatever kind. */
  readonly count: number;
}

/**
 * The commits that a range (`a..b`, or one commit with all before it) holds. A commit that somebody picked, amended or rebased by hand may
 * still say that it is a revision; it is known by its committer, who has an address.
 */
export async function listCommits(
  git: Git,
  range: string,
  page: { readonly skip?: number; readonly limit?: number } = {},
): Promise<ListedCommits> {
  const { skip = 0, limit = -1 } = page;
  // A NUL before each: no message holds one.
  const format = "--format=tformat:%x00%H%n%cn <%ce>%n%B";
  const paging = [`--skip=${skip}`, `--max-count=${limit}`];
  const { output } = await git.run(["log", format, "--encoding=UTF-8", ...paging, "--end-of-options", range, "--"]);
  const commits = output.toString("utf8").split("\0").slice(1);
  return { revisions: commits.flatMap(parseListed), count: commits.length };
}

function parseListed(commit: string): ListedCommit[] {
  const [id = "", by] = commit.split("\n", 2);
  // git ends the message with blank lines of its own.
  const trailers = by === committer ? parseTrailers(commit.trimEnd()) : undefined;
  return trailers === undefined ? [] : [{ ...trailers, id }];
}
