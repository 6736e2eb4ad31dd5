import { measureAll } from "./figures/all.ts";
import { measureApi } from "./figures/api.ts";
import { measureApps } from "./figures/apps.ts";
import { measureBindMount } from "./figures/bind-mount.ts";
import { measureBurst } from "./figures/burst.ts";
import { measureFailedReload } from "./figures/failed-reload.ts";
import { measureFsync } from "./figures/fsync.ts";
import { measureHistory } from "./figures/history.ts";
import { measureIdle } from "./figures/idle.ts";
import { measureInPlace } from "./figures/in-place.ts";
import { measureOneReload } from "./figures/one-reload.ts";
import { measureOwner } from "./figures/owner.ts";
import { measurePut } from "./figures/put.ts";
import { measureRateLimit } from "./figures/rate-limit.ts";
import { measureRepair } from "./figures/repair.ts";
import { measureSave } from "./figures/save.ts";
import { measureSecrets } from "./figures/secrets.ts";
import { measureStart } from "./figures/start.ts";
import { measureValidation } from "./figures/validation.ts";
import { measureWs } from "./figures/ws.ts";
import type { Effort, Measurement } from "./measurement.ts";

/** By name, in the order of the table. */
export const figures: ReadonlyMap<string, (effort: Effort) => Promise<Measurement[]>> = new Map([
  ["save", (effort) => measureSave("save", 1, { p50: { ratio: 2 }, p99: { atMost: 20 } }, effort)],
  ["save-1000", (effort) => measureSave("save-1000", 1000, { p50: {}, p99: { atMost: 20 } }, effort)],
  ["in-place", (effort) => measureInPlace("in-place", effort)],
  ["all-100", (effort) => measureAll("all-100", { services: 100, outputsEach: 1 }, { atMost: 60 }, effort)],
  ["all-1000", (effort) => measureAll("all-1000", { services: 1000, outputsEach: 1 }, thousand, effort)],
  ["all-of-one", (effort) => measureAll("all-of-one", { services: 1, outputsEach: 1000 }, thousand, effort)],
  ["burst", (effort) => measureBurst("burst", 0, effort)],
  ["burst-slow", (effort) => measureBurst("burst-slow", 300, effort)],
  ["one-reload", (effort) => measureOneReload("one-reload", effort)],
  ["failed-reload", (effort) => measureFailedReload("failed-reload", effort)],
  ["rate-limit", (effort) => measureRateLimit("rate-limit", effort)],
  ["start", (effort) => measureStart("start", effort)],
  ["idle", (effort) => measureIdle("idle", effort)],
  ["bind-mount", (effort) => measureBindMount("bind-mount", effort)],
  ["repair", (effort) => measureRepair("repair", effort)],
  ["owner", (effort) => measureOwner("owner", effort)],
  ["api", (effort) => measureApi("api", effort)],
  ["ws", (effort) => measureWs("ws", effort)],
  ["apps", (effort) => measureApps("apps", effort)],
  ["put", (effort) => measurePut("put", effort)],
  ["history", (effort) => measureHistory("history", effort)],
  ["validation", (effort) => measureValidation("validation", effort)],
  ["secrets", (effort) => measureSecrets("secrets", effort)],
  ["fsync", (effort) => measureFsync("fsync", effort)],
]);

const thousand = { atMost: 500, ratio: 1.5 };
