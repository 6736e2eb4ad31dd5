import { expect, it } from "vitest";
import { placeEdits } from "../../../src/apps/place-edits.ts";
import { type Entry, type Layer, mergeLayers } from "../../../src/config/layers.ts";
import type { Source } from "../../../src/sources/source.ts";

const load = (): Promise<Layer> => Promise.reject(new Error("nobody reads it"));
const document: Source["document"] = {
  path: "/config.ini",
  read: () => ({ source: "config.ini", protected: false, entries: [] }),
  edit: (bytes) => bytes,
};

it("finds a place for thousands of new values among tens of thousands", () => {
  const entries = Array.from({ length: 20_000 }, (_, index): Entry => {
    return { path: ["s", `k${index}`], value: "v", origin: { source: "config.ini" } };
  });
  const snapshot = mergeLayers([{ source: "config.ini", protected: false, entries }], () => "a digest");
  const sources: Source[] = [{ name: "config.ini", protected: false, load, document }];
  const edits = Array.from({ length: 5000 }, (_, index) => ({ path: ["s", `n${index}`], value: "v" }));
  const placed = placeEdits(edits, sources, snapshot);
  expect([...placed].map(([{ name }, its]) => [name, its.length])).toEqual([["config.ini", 5000]]);
});
