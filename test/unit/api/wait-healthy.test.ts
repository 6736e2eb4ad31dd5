import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";

import type { ApiApp, ApiParts } from "../../../src/api/http/parts.ts";
import { whenHealthy } from "../../../src/api/http/wait-healthy.ts";
import type { ServiceStatus, StatusReport } from "../../../src/sync/status.ts";

test("a thousand events do not make the status be worked out a thousand times", async () => {
  const begun = performance.now();
  let looks = 0;
  let looking = 0;
  const status = async (): Promise<StatusReport> => {
    const from = performance.now();
    await pause(20);
    looks += 1;
    looking += performance.now() - from;
    return { daemon: null, revision, problems: [], services: [service(looks < 6 ? "pending" : "healthy")] };
  };
  // Something is heard of at any time.
  const subscribe: ApiParts["subscribe"] = (listener) => {
    const timer = setTimeout(() => listener({ type: "input-healed" }), 1);
    return () => clearTimeout(timer);
  };
  const parts = { status, subscribe, services: () => [{ name: "web", uses: ["web.port"] }] };
  const app = { current: () => ({ head: revision }) } as unknown as ApiApp;
  const { signal } = new AbortController();
  const changed = { revision, changes: [{ key: "web.port" }] };
  expect(await whenHealthy(changed, { app, parts, signal })).toMatchObject({ outcome: "healthy" });
  expect(looking).toBeLessThan((performance.now() - begun) / 2);
});

const revision = { number: 2, parent: 1, author: "ann", at: 0, message: "", hash: "ab" };

function service(state: ServiceStatus["state"]): ServiceStatus {
  return { name: "web", state, desired: 2, live: 1, drift: false, lastReload: null, retryAt: null, trouble: null };
}
