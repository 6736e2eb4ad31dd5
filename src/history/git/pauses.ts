const longest = 5 * 60_000;

/** Milliseconds before the next try: 1 s after the first failure in a row, twice as long after each further one, 5 min at most. */
export function pauseAfter(failures: number): number {
  return Math.min(longest, 1000 * 2 ** (failures - 1));
}
