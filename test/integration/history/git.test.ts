import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitHistory } from "../../../src/history/git.ts";
import { historyContract } from "../../support/history-contract.ts";

historyContract("git", async () => {
  const parent = await mkdtemp(join(tmpdir(), "config-sync-history-"));
  const open = () => gitHistory({ folder: join(parent, "history") });
  let history = await open();
  return {
    history,
    reopen: async () => {
      await history.close();
      history = await open();
      return history;
    },
    beside: open,
    stop: async () => {
      await history.close();
      await rm(parent, { recursive: true });
    },
  };
});
