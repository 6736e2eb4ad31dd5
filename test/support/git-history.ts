import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { type GitHistoryOptions, gitHistory } from "../../src/history/git.ts";
import type { History } from "../../src/history/history.ts";
import { draftOf, textDocument } from "./history-contract.ts";

/** Plain git, as a person at the console has it. Standard output without the final line end. */
export function plainGit(folder: string, ...args: string[]): string {
  return plainGitBytes(folder, ...args)
    .toString()
    .replace(/\n$/, "");
}

export function plainGitBytes(folder: string, ...args: string[]): Buffer {
  const who = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"];
  return execFileSync("git", ["-C", folder, ...who, ...args], {
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "pipe"],
    // A push from a test must not depend on whose machine it is.
    env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: "1" },
  });
}

/** Histories in folders of their own, closed and taken away after each test. */
export function useGitHistories() {
  const folders: string[] = [];
  const open: History[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((history) => history.close()));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "config-sync-history-"));
    folders.push(folder);
    return folder;
  };
  return {
    newFolder,
    open: async (options: GitHistoryOptions): Promise<History> => {
      const history = await gitHistory(options);
      open.push(history);
      return history;
    },
  };
}

/** Appends `count` revisions of config.ini on top of what there is; revision N holds `value = N`. */
export async function grow(history: History, count: number, app = "default"): Promise<void> {
  const from = (await history.head(app))?.number ?? 0;
  for (let number = from + 1; number <= from + count; number++) {
    const documents = [textDocument("config.ini", `value = ${number}\n`), textDocument("system.ini", "steady = 1\n")];
    await history.append(app, draftOf({ documents, message: `set value to ${number}` }), number - 1);
  }
}

/** The text of config.ini in a revision that `grow` made. */
export async function configOf(history: History, number: number, app = "default"): Promise<string | undefined> {
  const revision = await history.get(app, number);
  const document = revision?.documents.find(({ name }) => name === "config.ini");
  return document && Buffer.from(document.bytes).toString();
}

/** How many commits main has; 0 where there is no repository. */
export function commitCount(folder: string): number {
  try {
    return Number(plainGit(folder, "rev-list", "--count", "main"));
  } catch {
    return 0;
  }
}
