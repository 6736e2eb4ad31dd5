/**
 * The floor: the least that any program must do for "saved → every file on disk", in a process without any library. It watches
 * the folder of config.ini, reads the file and writes the outputs so that no reader sees half of one and a power cut loses none:
 * a new file beside each, fsync, rename, fsync of the folder.
 *
 * Run as: node floor.ts OUTPUTS.json CONFIG, where the first holds lists of paths, each list one that is written together.
 */
import { close, fsync, openSync, readFileSync, renameSync, watch, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";

const sync = promisify(fsync);
const free = promisify(close);
const [outputsFile = "", config = ""] = process.argv.slice(2);
const groups = JSON.parse(readFileSync(outputsFile, "utf8")) as readonly (readonly string[])[];
// As many at once as the program takes services, and as many as it stages files.
const atOnce = 16;
let last = "";

watch(dirname(config), (_, name) => {
  if (name === basename(config)) void copyValue();
});
void copyValue();

async function copyValue(): Promise<void> {
  const [value] = readFileSync(config, "utf8").match(/change-\d+-whole/) ?? [];
  if (value === undefined || value === last) return;
  last = value;
  const text = `# floor\nVALUE=${value}\nOWN=steady\nPORT=8080\n`;
  await eachOf(groups, (paths) => writeTogether(paths, text));
}

async function writeTogether(paths: readonly string[], text: string): Promise<void> {
  await eachOf(paths, async (path) => {
    const file = openSync(`${path}.tmp`, "w");
    writeSync(file, text);
    await sync(file);
    await free(file);
  });
  for (const path of paths) renameSync(`${path}.tmp`, path);
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    const handle = openSync(folder, "r");
    await sync(handle);
    await free(handle);
  }
}

async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
