import { stripVTControlCharacters } from "node:util";
import type { Redact } from "../config/secret.ts";

export interface Output {
  readonly add: (chunk: Buffer) => void;
  /** What was added, for showing: secrets blotted out, terminal escapes removed, the middle cut out where it was too long. */
  readonly text: (redact: Redact) => string;
}

// Where text is cut, a secret may be cut in two, and half a secret is not recognised. So a margin is kept beyond each cut
// while the secrets are blotted out, and thrown away after it. A private key of 16,384 bits has 12 KiB, and three times that in a URL.
const margin = 48 * 1024;

/** Collects foreign output of any length, and keeps at most `limit` bytes of it: its beginning and its end. */
export function collectOutput(limit = 64 * 1024): Output {
  const half = limit / 2;
  const head = keepFirst(limit + margin);
  const tail = keepLast(half + margin);
  let total = 0;
  return {
    add: (chunk) => {
      total += chunk.length;
      head.add(chunk);
      tail.add(chunk);
    },
    text: (redact) => {
      if (total <= limit) return printable(redact(head.bytes().toString()));
      const first = redact(
        head
          .bytes()
          .subarray(0, half + margin)
          .toString(),
      );
      const last = redact(tail.bytes().toString());
      return printable(`${first.slice(0, -margin)}\n… ${total - limit} bytes left out …\n${last.slice(margin)}`);
    },
  };
}

function keepFirst(size: number) {
  const chunks: Buffer[] = [];
  let room = size;
  return {
    add: (chunk: Buffer) => {
      if (room > 0) chunks.push(chunk.subarray(0, room));
      room -= Math.min(room, chunk.length);
    },
    bytes: () => Buffer.concat(chunks),
  };
}

function keepLast(size: number) {
  let chunks: Buffer[] = [];
  let length = 0;
  const bytes = () => Buffer.concat(chunks).subarray(-size);
  return {
    add: (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < 4 * size) return;
      chunks = [bytes()];
      length = size;
    },
    bytes,
  };
}

/** Output comes to a person's terminal in the end, where a control sequence could rewrite what stands there. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) =>
    character === "\r" ? "" : "�",
  );
}
