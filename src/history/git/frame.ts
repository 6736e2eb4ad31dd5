/**
 * Records in a file that is only appended to: each is a line with two lengths and a sum, then JSON, then bytes, then a line end. What a
 * crash tore, or somebody overwrote, does not have its sum.
 */
import { hash } from "node:crypto";

export interface Frame {
  readonly value: unknown;
  readonly body: Buffer;
}

export interface Frames {
  readonly frames: readonly Frame[];
  /** Bytes up to the end of the last whole frame. What lies behind them is no frame. */
  readonly end: number;
}

const longestLine = 80;
const lineEnd = 0x0a;

export function encodeFrame(value: unknown, body: readonly Uint8Array[] = []): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  const bytes = Buffer.concat([json, ...body]);
  const line = `${json.length} ${bytes.length - json.length} ${sumOf(bytes)}\n`;
  return Buffer.concat([Buffer.from(line), bytes, Buffer.from([lineEnd])]);
}

export function decodeFrames(bytes: Buffer): Frames {
  const frames: Frame[] = [];
  let end = 0;
  for (;;) {
    const found = decodeFrame(bytes, end);
    if (found === undefined) return { frames, end };
    frames.push(found);
    end = found.end;
  }
}

function decodeFrame(bytes: Buffer, from: number): (Frame & { end: number }) | undefined {
  const at = bytes.subarray(from, from + longestLine).indexOf(lineEnd);
  const line = bytes.toString("latin1", from, from + Math.max(0, at));
  const [, jsonLength = "", bodyLength = "", sum] = /^(\d{1,10}) (\d{1,10}) ([0-9a-f]{32})$/.exec(line) ?? [];
  if (sum === undefined) return undefined;
  const start = from + at + 1;
  const middle = start + Number(jsonLength);
  const end = middle + Number(bodyLength);
  if (bytes[end] !== lineEnd || sumOf(bytes.subarray(start, end)) !== sum) return undefined;
  const value: unknown = JSON.parse(bytes.toString("utf8", start, middle));
  return { value, body: bytes.subarray(middle, end), end: end + 1 };
}

function sumOf(bytes: Uint8Array): string {
  return hash("sha256", bytes).slice(0, 32);
}
