import type { Git } from "../../platform/git.ts";
import { parseTrailers } from "./commit.ts";

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

/** The commits that a range (`a..b`, or one commit with all before it) holds. */
export async function listCommits(
  git: Git,
  range: string,
  page: { readonly skip?: number; readonly limit?: number } = {},
): Promise<ListedCommits> {
  const { skip = 0, limit = -1 } = page;
  // A NUL before each: no message holds one.
  const format = "--format=tformat:%x00%H%n%B";
  const args = [
    "log",
    format,
    "--encoding=UTF-8",
    `--skip=${skip}`,
    `--max-count=${limit}`,
    "--end-of-options",
    range,
    "--",
  ];
  const { output } = await git.run(args);
  const commits = output.toString("utf8").split("\0").slice(1);
  const revisions = commits.flatMap((commit) => {
    // git ends the message with blank lines of its own.
    const trailers = parseTrailers(commit.trimEnd());
    return trailers === undefined ? [] : [{ ...trailers, id: commit.slice(0, 40) }];
  });
  return { revisions, count: commits.length };
}
