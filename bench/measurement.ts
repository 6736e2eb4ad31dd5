/** One line of the table: a number, what it is compared with, and the bar that it should not pass. */
export interface Measurement {
  /** The name by which the figure is chosen on the command line. */
  readonly figure: string;
  readonly what: string;
  readonly unit: "ms" | "MiB" | "times";
  readonly value: number;
  /** Measured in the same run, in the same unit. */
  readonly beside?: { readonly name: string; readonly value: number };
  /** `atMost` in the unit; `ratio` to what stands beside it. None: told for information. */
  readonly bar: { readonly atMost?: number; readonly ratio?: number };
}

/** What there is to know of a run: the smoke run measures too little to be quoted. */
export interface Effort {
  readonly quick: boolean;
}

export function ratioOf({ value, beside }: Measurement): number | undefined {
  return beside === undefined ? undefined : value / beside.value;
}

/** Undefined where there is no bar. */
export function isMet(measurement: Measurement): boolean | undefined {
  const { value, bar } = measurement;
  if (bar.atMost === undefined && bar.ratio === undefined) return undefined;
  const ratio = ratioOf(measurement) ?? Number.POSITIVE_INFINITY;
  return value <= (bar.atMost ?? Number.POSITIVE_INFINITY) && (bar.ratio === undefined || ratio <= bar.ratio);
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
