/**
 * The load on an HTTP server, as a process of its own: `node api-load.ts URL KEY CONNECTIONS`. A line on standard input is a number of
 * requests; the answer is a line with the milliseconds that these took.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { lengthOf, refused } from "./plain-http.ts";

const [url = "", key = "", connections = "8"] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const request = `GET ${pathname} HTTP/1.1\r\nhost: localhost:${port}\r\nx-api-key: ${key}\r\n\r\n`;
const sockets = Array.from({ length: Number(connections) }, () => connect(Number(port), hostname).setNoDelay());
await Promise.all(sockets.map((socket) => once(socket, "connect")));
console.log("ready");

for await (const line of createInterface({ input: process.stdin })) {
  const began = performance.now();
  const each = Math.ceil(Number(line) / sockets.length);
  await Promise.all(sockets.map((socket) => ask(socket, each)));
  console.log(`${performance.now() - began}`);
}
for (const socket of sockets) socket.destroy();

/** One request after the other. All answers have the same length, which the first one tells. */
function ask(socket: Socket, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = times;
    let length: number | undefined;
    let came = 0;
    let first = "";
    const onData = (chunk: Buffer): void => {
      if (length === undefined) {
        first += chunk.toString("latin1");
        length = lengthOf(first);
        came = 0;
        if (length === undefined) return;
        if (!first.startsWith("HTTP/1.1 200")) throw refused(first);
        came = first.length;
      } else came += chunk.length;
      if (came < length) return;
      came = 0;
      if (--left > 0) return void socket.write(request);
      socket.off("data", onData).off("error", reject);
      resolve();
    };
    socket.on("data", onData).once("error", reject);
    socket.write(request);
  });
}
