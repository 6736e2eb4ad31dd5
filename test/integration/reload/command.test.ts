import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { plantedSecret } from "../../support/action-context.ts";
import { leash } from "../../support/leash.ts";
import { reloadContract } from "../../support/reload-contract.ts";

reloadContract("command", async () => {
  const { folder, release } = await leash("command");
  const hungPid = path.join(folder, "pid");
  return {
    success: {
      spec: { argv: ["sh", "-c", 'echo "$1 $GREETING" > told', "sh", "a b;c"], env: { GREETING: "hello" } },
      context: { folder },
      happened: async () => expect(await readFile(path.join(folder, "told"), "utf8")).toBe("a b;c hello\n"),
    },
    refused: {
      spec: { argv: ["sh", "-c", `echo bad option; echo ${plantedSecret} >&2; exit 7`] },
      says: /^sh ended with exit code 7: bad option\n/,
    },
    unreachable: { spec: { argv: ["/no/such/program"] } },
    hung: { spec: { argv: ["sh", "-c", `echo $$ > ${hungPid}; sleep 1000`] } },
    revealing: [{ argv: ["systemctl", "restart"], env: { PASSWORD: plantedSecret } }],
    stop: async () => {
      const pid = Number(await readFile(hungPid, "utf8"));
      expect(existsSync(`/proc/${pid}/exe`), "the command that was given up has ended").toBe(false);
      await release();
    },
  };
});
