import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { valueTypes } from "../../../src/config/value-types.ts";

function problem(name: string, text: string): string | undefined {
  const type = valueTypes.find((one) => one.name === name);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type.problem(text);
}

describe.each([
  ["integer", ["0", "-7", "+12"], ["", "1.5", "1e3", "0x10", "7 ", "9".repeat(16)]],
  ["number", ["0.5", "-3"], [".5", "1,5", "NaN", "Infinity"]],
  ["boolean", ["true", "No", "on", "0"], ["perhaps", "2"]],
  ["port", ["1", "65535"], ["0", "65536", "70000", "080", "0x50", "8e3", "80/tcp", "-1", "+80", "8080 "]],
  [
    "url",
    ["https://example.com", "wss://a.b:1/c?d", "http://u:p@h/", "http://[::1]:3000/"],
    ["example.com", "localhost:3000", "https://", "http:///x", "https://a b", "http://h:99999/", "javascript:alert(1)"],
  ],
  [
    "host",
    ["git.example.com", "websoft9-git", "my_container", "10.0.0.1", "::1", "localhost"],
    ["999.1.1.1", "1.2.3", "-a.b", "a..b", "a b", "http://a", "a:80", `${"a".repeat(64)}.b`],
  ],
  ["email", ["admin@mydomain.com", "a.b+c@localhost"], ["admin", "@b.c", "a b@c.d", "a@b@c.d", "a@b..c", "a@"]],
  ["duration", ["30s", "5m", "1h30m", "1.5h", "200ms"], ["5", "5 m", "5d", "m", "1h30", "-1s"]],
  ["list", ["a", "a,b", "a, b"], [",", "a,,b", "a,"]],
  ["path", ["/", "/data/a b"], ["data", "./x", "~/x", "/a\u0000b", "/a\nb", "C:\\x"]],
] as const)("a value of type %s", (name, good, bad) => {
  test.each(good)("may be %j", (text) => expect(problem(name, text)).toBeUndefined());
  test.each(bad)("is not %j, whose message says only what it is to be", (text) => {
    const said = problem(name, text);
    expect(said).toMatch(/^is not an? |^is not true/);
    expect(problem(name, `${text}\n`)).toBe(said);
  });
});

test("no text makes a type throw, or take long", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc
      .tuple(fc.constantFrom("a", "1", ".", "1.", "1h", "a@", ",", "a."), fc.nat(50_000))
      .map(([piece, n]) => piece.repeat(n)),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      for (const { problem, size } of valueTypes) {
        const said = problem(text);
        expect(said === undefined || said.length < 100).toBe(true);
        if (said === undefined) expect(size.of(text)).not.toBeNaN();
      }
    }),
  );
});
