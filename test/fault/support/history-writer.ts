/**
 * Appends to the history in a folder until it is killed, to two apps at once, and says on standard output what was answered:
 * `APP NUMBER`. Now and then it closes the history and opens it again. Arguments: folder, seed.
 */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gitHistory } from "../../../src/history/git.ts";
import type { History } from "../../../src/history/history.ts";
import { seeded } from "../random.ts";
import { draftOf } from "./history-draft.ts";

const [folder = "", seed = "1"] = process.argv.slice(2);
const random = seeded(Number(seed));

for (;;) {
  const history = await gitHistory({ folder });
  await Promise.all(["one", "two"].map((app) => write(history, app, random.below(60))));
  await sleep(random.chance(0.5) ? 0 : random.below(700));
  await history.close();
}

async function write(history: History, app: string, count: number): Promise<void> {
  for (let written = 0; written < count; written++) {
    const expected = (await history.head(app))?.number ?? 0;
    const { number } = await history.append(app, draftOf(app, expected + 1), expected);
    writeSync(1, `${app} ${number}\n`);
  }
}
