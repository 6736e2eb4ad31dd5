/** One line of the table: a number, what it is compared with, and the bar that it should not pass. */
export interface Measurement {
  /** The name by which the figure is chosen on the command line. */
  readonly figure: string;
  readonly what: string;
  readonly unit: "ms" | "MiB" | "times" | "reloads" | "reads" | "calls";
  /** Infinity for what never came while it was waited for. */
  readonly value: number;
  /** Measured in the same run, in the same unit. */
  readonly beside?: { readonly name: string; readonly value: number };
  /** The same of another program, see `--peer`; NaN where it failed. */
  readonly peer?: number | undefined;
  /** `atMost` and `atLeast` in the unit; `ratio` to what stands beside it. None: told for information. */
  readonly bar: { readonly atMost?: number; readonly atLeast?: number; readonly ratio?: number };
}

/** What there is to know of a run. */
export interface Effort {
  /** A smoke run, which measures too little to be quoted. */
  readonly quick: boolean;
  /** Program and arguments of another program to measure beside ours. */
  readonly peer?: readonly string[] | undefined;
}

/** Undefined where nothing stands beside it, or nothing was needed at all. */
export function ratioOf({ value, beside }: Measurement): number | undefined {
  return beside === undefined || value === 0 ? undefined : value / beside.value;
}

/** Undefined where there is no bar. */
export function isMet(measurement: Measurement): boolean | undefined {
  const { value, bar } = measurement;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY, ratio } = bar;
  if (bar.atMost === undefined && bar.atLeast === undefined && ratio === undefined) return undefined;
  const isNear = ratio === undefined || (ratioOf(measurement) ?? Number.POSITIVE_INFINITY) <= ratio;
  return value <= atMost && value >= atLeast && isNear;
}

/** The nearest rank: a value that was really measured. With fewer than 100 samples the 99th percentile is the slowest. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}
