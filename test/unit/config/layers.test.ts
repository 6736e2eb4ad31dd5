import { describe, expect, test } from "vitest";
import { diffSnapshots } from "../../../src/config/diff.ts";
import { type Layer, mergeLayers, secretTexts } from "../../../src/config/layers.ts";
import { Secret, type Value } from "../../../src/config/secret.ts";

const digest = (text: string): string => text;

function layer(source: string, values: Readonly<Record<string, Value>>, isProtected = false): Layer {
  const entries = Object.entries(values).map(([key, value]) => ({ path: key.split("."), value, origin: { source } }));
  return { source, protected: isProtected, entries };
}

const config = layer("config.ini", { "a.x": "1", "a.y": "2" });

describe("mergeLayers", () => {
  test("the later layer wins, a protected one beats all, and every candidate is remembered", () => {
    const merged = mergeLayers(
      [layer("system.ini", { "a.x": "sys" }, true), config, layer("env", { "a.x": "env" })],
      digest,
    );
    expect(merged.entries.get("a.x")?.value).toBe("sys");
    expect(merged.entries.get("a.y")?.value).toBe("2");
    expect(merged.candidates.get("a.x")?.map(({ origin }) => origin.source)).toEqual([
      "system.ini",
      "env",
      "config.ini",
    ]);
    expect(merged.overruled.map(({ entry, by }) => [entry.origin.source, by.origin.source])).toEqual([
      ["config.ini", "system.ini"],
      ["env", "system.ini"],
    ]);
  });

  test("the hash depends on the values, not on their order or source", () => {
    const one = mergeLayers([config], digest).hash;
    expect(mergeLayers([layer("other", { "a.y": "2", "a.x": "1" })], digest).hash).toBe(one);
    expect(mergeLayers([layer("config.ini", { "a.x": "1", "a.y": "3" })], digest).hash).not.toBe(one);
    expect(mergeLayers([layer("config.ini", { "a.x": "1" })], digest).hash).not.toBe(one);
  });

  test("names of JavaScript's own are ordinary keys", () => {
    const merged = mergeLayers([layer("c", { "__proto__.constructor": "1" })], digest);
    expect(merged.entries.get("__proto__.constructor")?.value).toBe("1");
  });

  test("the secrets of those that lost are known too", () => {
    const merged = mergeLayers(
      [layer("a", { "s.pwd": new Secret("old") }), layer("b", { "s.pwd": new Secret("new") })],
      digest,
    );
    expect(secretTexts(merged).toSorted()).toEqual(["new", "old"]);
  });

  test("the passwords in URLs are secrets, whatever the key is called", () => {
    const url = "postgres://app:p-w@db/app";
    const merged = mergeLayers([layer("a", { "s.url": url, "s.dsn_secret": new Secret(url) })], digest);
    expect(secretTexts(merged)).toEqual(["p-w", url, "p-w"]);
  });
});

describe("diffSnapshots", () => {
  test("tells what was added, changed and removed; a secret is compared by its text", () => {
    const before = mergeLayers([layer("c", { "a.x": "1", "a.y": "2", "a.pwd": new Secret("p") })], digest);
    const after = mergeLayers([layer("c", { "a.x": "1", "a.pwd": new Secret("q"), "a.z": "3" })], digest);
    expect(diffSnapshots(before, after).map(({ key, kind }) => `${kind} ${key}`)).toEqual([
      "changed a.pwd",
      "added a.z",
      "removed a.y",
    ]);
    expect(diffSnapshots(undefined, before)).toHaveLength(3);
    expect(diffSnapshots(after, after)).toEqual([]);
  });
});
