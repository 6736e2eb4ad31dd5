import { defineConfig } from "vitest/config";

// unit: pure and fast, one process. The others start real servers and daemons: own processes, one file after another.
const real = {
  ...{ pool: "forks" as const, testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false },
  // Other processes are waited for: on a machine that is busy they take seconds for what else takes milliseconds.
  expect: { poll: { timeout: 15_000 } },
};

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], pool: "threads", isolate: false } },
      { test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...real } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...real } },
      // What goes wrong: killed daemons, full disks, servers that vanish, storms. Rounds are many, hence the longer limit.
      { test: { name: "fault", include: ["test/fault/**/*.test.ts"], ...real, testTimeout: 300_000 } },
    ],
  },
});
