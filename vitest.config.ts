import { defineConfig } from "vitest/config";

// On a machine that is busy, what else takes milliseconds takes seconds: no limit here is a promise about time.
const patient = { testTimeout: 60_000, hookTimeout: 120_000, expect: { poll: { timeout: 15_000 } } };

// unit: pure and fast, one process. The others start real servers and daemons: own processes, one file after another.
const pure = { ...patient, pool: "threads" as const, isolate: false };
const real = { ...patient, pool: "forks" as const, fileParallelism: false };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], ...pure } },
      { test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...real } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...real } },
      // What goes wrong: killed daemons, full disks, servers that vanish, storms. Rounds are many, hence the longer limit.
      { test: { name: "fault", include: ["test/fault/**/*.test.ts"], ...real, testTimeout: 300_000 } },
    ],
  },
});
