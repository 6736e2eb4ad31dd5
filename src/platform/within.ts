/** Resolves when the work ends, and at the latest after so many milliseconds; what the work throws is thrown. */
export async function within(milliseconds: number, work: Promise<unknown> | undefined): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
