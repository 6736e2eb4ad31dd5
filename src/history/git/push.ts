import { redactor } from "../../config/secret.ts";
import { asConfigSyncError, ConfigSyncError } from "../../errors.ts";
import type { Git } from "../../platform/git.ts";
import { type Background, inBackground } from "./background.ts";
import { hasRepository, readTip } from "./repository.ts";

export interface PushTarget {
  /** A URL, with user and password where they are needed; `git@host:path`; or the absolute path of a folder. */
  readonly url: string;
  readonly branch: string;
}

/** Milliseconds. */
const pause = 100;
const timeout = 120_000;

/** Sends main to another repository, whenever there is something new. Nothing there is ever overwritten. */
export function pushInBackground(
  git: Git,
  { url, branch }: PushTarget,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (message: string) => void },
): Background {
  const { address, user, password } = splitUrl(url);
  const redact = redactor([password, encodeURIComponent(password)]);
  const args = ["push", "--quiet", "--end-of-options", address, `refs/heads/main:refs/heads/${branch}`];
  const environment = { CONFIG_SYNC_GIT_USER: user, CONFIG_SYNC_GIT_PASSWORD: password };
  const settings = user === "" ? {} : { [`credential.${address}.helper`]: helper };

  const round = async (): Promise<void> => {
    if (!hasRepository(git.folder) || (await readTip(git)) === null) return;
    try {
      await git.run(args, { signal, timeout, environment, settings });
    } catch (cause) {
      const { message, hint } = asConfigSyncError(cause);
      const isBehind = /\[rejected\]|non-fast-forward|fetch first/.test(message);
      throw new ConfigSyncError("HISTORY_UNUSABLE", redact(message), {
        hint: isBehind ? `The branch ${branch} there holds something else: push to another branch` : hint,
      });
    }
  };

  return inBackground({ round, pause, tell, says: `the history cannot be pushed to ${redact(address)}` });
}

/** A constant text for the shell that git runs a helper with. What it prints comes from the environment: no argument, no file. */
const helper = `!printf 'username=%s\\npassword=%s\\n' "$CONFIG_SYNC_GIT_USER" "$CONFIG_SYNC_GIT_PASSWORD"; :`;

function splitUrl(url: string): { readonly address: string; readonly user: string; readonly password: string } {
  if (!/^https?:\/\//i.test(url)) return { address: url, user: "", password: "" };
  const parsed = new URL(url);
  const { username, password } = parsed;
  parsed.username = "";
  parsed.password = "";
  return { address: parsed.href, user: decodeURIComponent(username), password: decodeURIComponent(password) };
}
