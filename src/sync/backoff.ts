/** Growing pauses, so that what is down is neither hammered nor forgotten. */
export interface Backoff {
  /** Milliseconds before the second try. */
  readonly initial: number;
  readonly factor: number;
  readonly max: number;
}

/**
 * The pause after the given number of failed tries (from 1), with jitter: between half and the whole of the nominal pause, so
 * that services which failed together do not come back together.
 */
export function pauseAfter(
  tries: number,
  { initial, factor, max }: Backoff,
  random: () => number = Math.random,
): number {
  const nominal = Math.min(max, initial * factor ** Math.max(0, tries - 1));
  return Math.round(nominal * (0.5 + random() / 2));
}
