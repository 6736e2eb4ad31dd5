/** The contest of most formats: four trials, each case one or two questions to the oracle. */
import type fc from "fast-check";
import type { Path } from "../../src/config/path.ts";
import { ConfigSyncError, type ErrorCode } from "../../src/errors.ts";
import type { Contest, Trial } from "./contest.ts";
import type { Oracle, Values } from "./reading.ts";
import { documentsTrial } from "./trials/documents.ts";
import { mergesTrial } from "./trials/merges.ts";
import { templatesTrial } from "./trials/templates.ts";
import { valuesTrial } from "./trials/values.ts";

export interface Duel {
  readonly name: string;
  readonly against: string;
  readonly needsPrograms: boolean;
  readonly startOracle: () => Promise<Oracle>;
  readonly subject: Subject;
  readonly values: fc.Arbitrary<string>;
  /** Places where a value stands alone. */
  readonly frames: readonly Frame[];
  /** Texts that are mostly read by both, and texts that are mostly refused. */
  readonly likely: fc.Arbitrary<string>;
  readonly wild: fc.Arbitrary<string>;
  /** What our reader refuses on purpose though the oracle reads it, each for its reason. */
  readonly refusesToo?: readonly Exception[];
  /** What our reader reads on purpose though the oracle refuses it. */
  readonly readsToo?: readonly Exception[];
  /** Values of the oracle are JSON, which tells texts from numbers. */
  readonly isTyped?: boolean;
  /** Templates of the format with `{{v.x}}` at places where an author may put it, alone or inside other text. */
  readonly templates?: readonly string[];
}

/** Our side: a format, or the reader and editor of config.ini. */
export interface Subject {
  readonly formatName?: string;
  /** By key; throws PARSE_FAILED. */
  readonly read: (text: string) => Values;
  /** The text of the frame with the value in its place; throws UNREPRESENTABLE. */
  readonly put: (frame: Frame, value: string) => string;
  readonly merge: MergeSubject;
}

export interface MergeSubject {
  readonly paths: readonly Path[];
  readonly values: fc.Arbitrary<string>;
  /** Throws UNREPRESENTABLE. */
  readonly merge: (existing: string, wanted: readonly Wanted[], gone: readonly Path[]) => string;
  /** Where the values stand in a text, for formats of one key a line: what is between must stay byte for byte. */
  readonly places?: (text: string) => readonly Place[];
}

export interface Wanted {
  readonly path: Path;
  readonly value: string;
}

export interface Place {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

export interface Frame {
  readonly before: string;
  readonly after: string;
  readonly path: Path;
}

export interface Exception {
  readonly why: string;
  readonly applies: (text: string) => boolean;
}

export function createContest(duel: Duel): Contest {
  const { name, against, needsPrograms } = duel;
  return {
    name,
    against,
    needsPrograms,
    start: async () => {
      const oracle = await duel.startOracle();
      const trials: Trial[] = [valuesTrial(duel, oracle), documentsTrial(duel, oracle), mergesTrial(duel, oracle)];
      if (duel.templates !== undefined) trials.push(await templatesTrial(duel, oracle, duel.templates));
      return { trials, stop: oracle.stop };
    },
  };
}

/** What `act` gives, or undefined if it refuses with one of the codes. Anything else is thrown on: it is a defect. */
export function unlessRefused<T>(codes: readonly ErrorCode[], act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof ConfigSyncError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

export function demand(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Error(message());
}

/** The first key on which two readings differ, in words; undefined where they are the same. */
export function difference(ours: Values, theirs: Values, who: readonly [string, string]): string | undefined {
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [mine, other] = [ours.get(key), theirs.get(key)];
    if (mine !== other) return `key ${key}: ${who[0]} ${shown(mine)}, ${who[1]} ${shown(other)}`;
  }
  return undefined;
}

function shown(value: string | undefined): string {
  return value === undefined ? "nothing" : quote(value);
}

/** As JSON, with everything escaped that a terminal shows as nothing or as something else. */
export function quote(value: unknown): string {
  return String(JSON.stringify(value)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The values as our readers give them, which do not tell 5 from "5". */
export function untyped(values: Values, isTyped: boolean | undefined): Values {
  if (!isTyped) return values;
  return new Map([...values].map(([key, json]) => [key, json.startsWith('"') ? (JSON.parse(json) as string) : json]));
}
