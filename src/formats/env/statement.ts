import { ConfigSyncError } from "../../errors.ts";
import type { Field } from "../format.ts";

/** One `NAME=value` of an env file. `start` and `end` bound the value with its quotes. */
export interface Statement extends Field {
  readonly name: string;
  /** Where the statement begins: its name, or `export`. */
  readonly from: number;
  /** The value refers to other variables; its `value` is then the text as it stands. */
  readonly live: boolean;
}

export type ReadStatements = (text: string) => readonly Statement[];

/** Positions where a value stands alone: `NAME=▮` up to the end of the line, or to a comment. The name can be a value too. */
export const aloneInEnv = {
  before: /(?:^|[\r\n])[\w.[\] \t\0-]+[=:][ \t]*$/,
  after: /^[ \t]*(?:$|\r?\n|[ \t]#)/,
};

/** Characters that mean nothing to any reader of env files, in any place of a value, quoted or not. */
export const plain = /^[A-Za-z0-9_./:@,+-]+$/;
export const notPlain = /[^A-Za-z0-9_./:@,+-]/;

export function badLine(message: string, place: { readonly line: number; readonly column: number }, hint?: string) {
  return new ConfigSyncError("PARSE_FAILED", message, { place, hint });
}
