import { createHash } from "node:crypto";
import { mergeLayers } from "../../../src/config/layers.ts";
import { type Branch, buildTree } from "../../../src/services/tree.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What templates see of a config.ini in which `x` of section `v` has the value. */
export function treeOf(value: string): Branch {
  const entries = [{ path: ["v", "x"], value, origin: { source: "config.ini" } }];
  const snapshot = mergeLayers([{ source: "config.ini", protected: false, entries }], digest);
  return buildTree(snapshot, { paths: {}, containers: {}, programs: {}, urls: {} }, digest);
}
