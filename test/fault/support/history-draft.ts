import type { Draft } from "../../../src/history/history.ts";

/** What the writer appends as a number of an app: the same for every process. */
export function draftOf(app: string, number: number): Draft {
  const text = `value = ${app} ${number}\n`.repeat(1 + (number % 50));
  const documents = [
    { name: "config.ini", bytes: Buffer.from(text) },
    { name: "system.ini", bytes: Buffer.from(`steady = ${Math.floor(number / 10)}\n`) },
  ];
  return {
    author: `author ${number}`,
    at: number * 1000,
    message: `change ${number} of ${app}`,
    hash: `${number}`,
    documents,
  };
}
