import { describe, expect, test } from "vitest";
import { probeOf, probes } from "../../../src/probe/index.ts";

const parse = (kind: string, spec: unknown) => probeOf(kind).schema.safeParse(spec);

describe("probe specs", () => {
  test("every kind is there once", () => {
    expect(probes.map(({ kind }) => kind)).toEqual(["http", "tcp", "docker", "supervisord", "command"]);
    expect(() => probeOf("telepathy")).toThrow(/no probe "telepathy"/);
  });

  test("defaults are in milliseconds", () => {
    expect(parse("http", { url: "http://a/" }).data).toMatchObject({ timeout: 5000, expect: [200] });
    expect(parse("tcp", { host: "a", port: "80" }).data).toEqual({ host: "a", port: 80, timeout: 2000 });
  });

  test.each([
    ["http", { url: "not a url" }],
    ["http", { url: "http://a/", expect: "abc" }],
    ["http", { url: "http://a/", contains: "" }],
    ["tcp", { host: "a", port: "70000" }],
    ["tcp", { host: "", port: 80 }],
    ["docker", {}],
    ["supervisord", { program: "" }],
    ["command", { argv: [] }],
  ])("%s refuses %j", (kind, spec) => {
    expect(parse(kind, spec).success).toBe(false);
  });
});
