/** How hard a password is to guess, by zxcvbn: it knows common passwords, names, keyboard rows, dates, repetitions. */

export interface Strength {
  /** From 0, guessed at once, to 4; 3 takes some 10^8 guesses. */
  readonly score: number;
  /** Why it is not stronger, in words that say nothing of the text. */
  readonly weakness: string;
}

export type StrengthOf = (text: string) => Strength;

/** Characters that are looked at: a repetition of 100 takes most of a second. What is longer repeats itself or is strong enough. */
const longest = 64;

/** Loads dictionaries of 3 MB, so only where somebody asks. */
export async function loadStrength(): Promise<StrengthOf> {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  return (text) => {
    const { score, sequence } = zxcvbn.check(text.slice(0, longest));
    const found = new Set(sequence.flatMap(({ pattern }) => weaknesses[pattern] ?? []));
    return { score, weakness: [...found].join(", ") || "it is short" };
  };
}

const weaknesses: Readonly<Record<string, string>> = {
  dictionary: "it holds words or passwords that are often used",
  spatial: "it holds keys that lie side by side",
  repeat: "it repeats itself",
  sequence: "it holds a sequence",
  regex: "it holds a year",
  date: "it holds a date",
};
