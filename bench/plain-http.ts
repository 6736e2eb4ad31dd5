/** HTTP as plain text on a socket: Node's own client needs more time for a request than a server does, and would be what is measured. */
import type { Socket } from "node:net";

/** Resolves when the whole answer has come. Rejects for one that is no good one. */
export function exchange(socket: Socket, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString("latin1");
      const length = lengthOf(answer);
      if (length === undefined || answer.length < length) return;
      socket.off("data", onData).off("error", reject);
      if (answer.startsWith("HTTP/1.1 200")) resolve();
      else reject(refused(answer));
    };
    socket.on("data", onData).once("error", reject);
    socket.write(request);
  });
}

/** Of the whole answer; undefined until its head has come. */
export function lengthOf(answer: string): number | undefined {
  const end = answer.indexOf("\r\n\r\n");
  return end < 0 ? undefined : end + 4 + Number(/content-length: (\d+)/i.exec(answer)?.[1]);
}

export function refused(answer: string): Error {
  return new Error(`the server said ${answer.slice(0, 1000)}`);
}
