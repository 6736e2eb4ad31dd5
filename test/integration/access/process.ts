/** A process of its own for the tests: `process.ts make FILE NAME COUNT` makes keys, `process.ts hold LOCK` takes a lock and keeps it. */
import { once } from "node:events";
import { openAccess } from "../../../src/access/open.ts";
import { withLockFile } from "../../../src/platform/lock-file.ts";

const [task, path = "", name, count] = process.argv.slice(2);

if (task === "make") {
  const access = await openAccess({ file: path });
  for (let index = 0; index < Number(count); index++) {
    process.stdout.write(`${await access.createKey(`${name}-${index}`, { role: "viewer" })}\n`);
  }
} else {
  await withLockFile(path, async (isHeld) => {
    process.stdout.write("held\n");
    await once(process.stdin, "data");
    process.stdin.destroy();
    process.stdout.write(`${isHeld() ? "still ours" : "lost"}\n`);
  });
}
