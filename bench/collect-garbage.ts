/** For `node --expose-gc --import`: on SIGUSR2 all garbage is collected, so that what is left is what is needed. */
process.on("SIGUSR2", () => globalThis.gc?.());
