/**
 * Ends the process with SIGKILL at the step that stands in the file FATAL_STEP: `renamed 2` is the second rename since that was
 * written there. `half-written` is no step of the product: it writes one half of the next content that goes into a file in place.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { Step } from "../../../src/platform/reached.ts";

const orders = process.env.FATAL_STEP ?? "";
const { readFileSync, writeSync } = fs;
const block = 4096;
const newline = 0x0a;

let order = "";
let passed = 0;

export function reached(step: Step): void {
  const now = readOrder();
  if (now !== order) passed = 0;
  order = now;
  const [wanted, pass] = order.split(" ");
  if (wanted === "half-written" && step === "journalled") halveTheNextContent();
  if (wanted === step && ++passed === Number(pass)) die();
}

function readOrder(): string {
  try {
    return readFileSync(orders, "utf8");
  } catch {
    return "";
  }
}

/** Only whole blocks, because the write may be a direct one; newlines only make room. */
function halveTheNextContent(): void {
  const halve = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
    if (bytes[offset] === newline) return writeSync(fd, bytes, offset, length, position);
    writeSync(fd, bytes, offset, Math.floor(length / 2 / block) * block, position);
    return die();
  };
  Object.assign(fs, { writeSync: halve });
  syncBuiltinESMExports();
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("SIGKILL is delivered before this");
}
