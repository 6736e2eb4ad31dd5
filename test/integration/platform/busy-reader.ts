/**
 * Reads a file without pause until it holds STOP, and prints how many reads saw something else than one letter repeated.
 * Runs as a process of its own, so that it really reads while the other writes.
 */
import { readFileSync } from "node:fs";

const [path = ""] = process.argv.slice(2);
let reads = 0;
let broken = 0;
console.log("reading");
for (;;) {
  const text = readFileSync(path, "latin1").replace(/\n+$/, "");
  if (text === "STOP") break;
  reads++;
  if (text === "" || text !== text.charAt(0).repeat(text.length)) broken++;
}
console.log(JSON.stringify({ reads, broken }));
