import { describe, expect, test } from "vitest";
import { reloadOf, reloads } from "../../../src/reload/index.ts";
import { actionContext } from "../../support/action-context.ts";

const parse = (kind: string, spec: unknown) => reloadOf(kind).schema.safeParse(spec);

describe("reload specs", () => {
  test("every kind is there once", () => {
    expect(reloads.map(({ kind }) => kind)).toEqual(["docker", "supervisord", "http", "command", "none"]);
    expect(() => reloadOf("telepathy")).toThrow(/no reload "telepathy"/);
  });

  test("defaults are in milliseconds", () => {
    expect(parse("docker", { container: "a", action: "restart" }).data).toMatchObject({ timeout: 10_000 });
    expect(parse("supervisord", { program: "a", action: "update" }).data).toMatchObject({ timeout: 60_000 });
    expect(parse("command", { argv: ["a"] }).data).toMatchObject({ timeout: 30_000 });
    expect(parse("http", { url: "http://a/" }).data).toMatchObject({ timeout: 10_000, method: "POST" });
  });

  test("numbers and booleans may come as text, as templates give them", () => {
    expect(parse("http", { url: "http://a/", expect: "204", insecure_tls: "true" }).data).toMatchObject({
      expect: [204],
      insecure_tls: true,
    });
  });

  test.each([
    ["docker", { container: "a" }],
    ["docker", { container: "", action: "restart" }],
    ["docker", { container: "a", action: "recreate" }],
    ["docker", { container: "a", action: "signal" }],
    ["docker", { container: "a", action: "signal", signal: "HUP; reboot" }],
    ["docker", { container: "a", action: "exec" }],
    ["docker", { container: "a", action: "exec", command: [] }],
    ["docker", { container: "a", action: "exec", command: "nginx -s reload" }],
    ["docker", { container: "a", action: "restart", timeout: 10 }],
    ["supervisord", { program: "a", action: "shutdown" }],
    ["http", { url: "ftp://a/" }],
    ["http", { url: "http://" }],
    ["http", { url: "/relative" }],
    ["http", { url: "http://a/", method: "GET / HTTP/1.1\r\nX:" }],
    ["http", { url: "http://a/", headers: { "X-A": "1\r\nHost: evil" } }],
    ["http", { url: "http://a/", headers: { "X A": "1" } }],
    ["http", { url: "http://a/", body: "a", json: null }],
    ["http", { url: "http://a/", body_file: "relative" }],
    ["http", { url: "http://a/", expect: [] }],
    ["http", { url: "http://a/", expect: 99 }],
    ["http", { url: "http://a/", insecure_tls: "maybe" }],
    ["command", { argv: [] }],
    ["command", { argv: "systemctl restart x" }],
    ["command", { argv: ["a"], env: { "A=B": "c" } }],
    ["none", false],
    ["none", "true"],
  ])("%s refuses %j", (kind, spec) => {
    expect(parse(kind, spec).success).toBe(false);
  });

  test("none does nothing", async () => {
    const none = reloadOf("none");
    await none.run(none.schema.parse(true), actionContext());
    expect(none.describe(true)).toBe("no reload needed");
  });
});
