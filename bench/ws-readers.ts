/**
 * Readers of a WebSocket, as a process of its own: `node ws-readers.ts URL KEY`. A line on standard input is a command:
 *
 * `open N` opens N more; the answer, when each has its first message, is the number of bytes of one.
 * `wait` waits for the next message of each; the answer is a JSON list of the milliseconds of the machine's clock at which they came.
 */
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { machineTime } from "./machine-time.ts";

const [url = "", key = ""] = process.argv.slice(2);
const came: number[] = [];
let wanted = 0;
let count = 0;
let done = (): void => undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const [command, number] = line.split(" ");
  if (command === "open") console.log(`${await open(Number(number))}`);
  else {
    // What came before this line was read counts, too.
    await arrived(count);
    console.log(JSON.stringify(came.splice(0)));
  }
}
process.exit();

/** Fifty at a time, fewer than any server's backlog. */
async function open(more: number): Promise<number> {
  let bytes = 0;
  for (let opened = 0; opened < more; opened += 50) {
    const some = Array.from({ length: Math.min(50, more - opened) }, () => openOne((length) => (bytes = length)));
    await Promise.all(some);
  }
  count += more;
  return bytes;
}

function openOne(tell: (bytes: number) => void): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false, headers: { "x-api-key": key } });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("message", (data: Buffer) => {
      tell(data.length);
      socket.on("message", () => {
        came.push(machineTime());
        if (came.length >= wanted) done();
      });
      resolve();
    });
  });
}

async function arrived(number: number): Promise<void> {
  wanted = number;
  if (came.length < number) await new Promise<void>((resolve) => (done = resolve));
}
