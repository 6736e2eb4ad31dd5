/** `node ws-floor.ts PORT BYTES FILE`: a plain server of WebSockets. A PUT is one fsynced write and one message of so many bytes to all. */
import { openSync } from "node:fs";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { writeAndSync } from "./write-and-sync.ts";

const [port = "0", bytes = "0", file = ""] = process.argv.slice(2);
const write = writeAndSync(openSync(file, "a"));
const message = Buffer.from("x".repeat(Number(bytes)));
const server = createServer(async (request, response) => {
  if (request.method === "PUT") {
    await write(0);
    for (const client of sockets.clients) client.send(message, { binary: false });
  }
  response.end();
});
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => socket.send(message, { binary: false }));
server.listen(Number(port), "127.0.0.1");
