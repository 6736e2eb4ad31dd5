import { measureAll } from "./figures/all.ts";
import { measureIdle } from "./figures/idle.ts";
import { measureInPlace } from "./figures/in-place.ts";
import { measureSave } from "./figures/save.ts";
import { measureStart } from "./figures/start.ts";
import type { Effort, Measurement } from "./measurement.ts";

/** By name, in the order of the table. */
export const figures: ReadonlyMap<string, (effort: Effort) => Promise<Measurement[]>> = new Map([
  ["save", (effort) => measureSave("save", 1, effort)],
  ["save-1000", (effort) => measureSave("save-1000", 1000, effort)],
  ["in-place", (effort) => measureInPlace("in-place", effort)],
  ["all-100", (effort) => measureAll("all-100", { services: 100, outputsEach: 1 }, { atMost: 60 }, effort)],
  ["all-1000", (effort) => measureAll("all-1000", { services: 1000, outputsEach: 1 }, thousand, effort)],
  ["all-of-one", (effort) => measureAll("all-of-one", { services: 1, outputsEach: 1000 }, thousand, effort)],
  ["start", (effort) => measureStart("start", effort)],
  ["idle", (effort) => measureIdle("idle", effort)],
]);

const thousand = { atMost: 500, ratio: 1.5 };
