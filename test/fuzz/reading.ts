/** What a reader makes of a text, in the words that both sides of a contest share. */
import type { Path } from "../../src/config/path.ts";

/** By the JSON of the path: `["s","key"]`. */
export type Values = ReadonlyMap<string, string>;

export interface Reading {
  /** What our reader must report. */
  readonly fields: Values;
  /** The same before references to other keys are followed: what an edit elsewhere must leave alone. */
  readonly literals: Values;
  /** What the program itself gets in the end. */
  readonly meant: Values;
  /** The reader takes the text, but hardly as whoever wrote it meant it: our reader may refuse it. */
  readonly isDubious?: boolean;
}

/** Undefined: the reader refuses the whole text. */
export type Verdict = Reading | undefined;

/** The program that a format is written for, its own parser, or a re-implementation of it. */
export interface Oracle {
  readonly read: (text: string) => Promise<Verdict>;
  readonly stop: () => Promise<void>;
}

export function keyOf(path: Path): string {
  return JSON.stringify(path);
}

export function pathOf(key: string): readonly string[] {
  return JSON.parse(key) as string[];
}

/** Where what stands in the file is what the program gets. */
export function plainReading(values: Values): Reading {
  return { fields: values, literals: values, meant: values };
}

/** An oracle that is a function. */
export function pureOracle(read: (text: string) => Verdict): () => Promise<Oracle> {
  return async () => ({ read: async (text) => read(text), stop: async () => {} });
}
