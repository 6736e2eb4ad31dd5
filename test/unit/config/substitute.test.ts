import { expect, test } from "vitest";
import type { Entry } from "../../../src/config/layers.ts";
import { parsePath } from "../../../src/config/path.ts";
import { reveal, Secret, type Value } from "../../../src/config/secret.ts";
import { substitute } from "../../../src/config/substitute.ts";
import { ConfigSyncError } from "../../../src/errors.ts";

const environment = (name: string) => ({ HOST: "db.local", EMPTY: "", DOLLAR: `\${HOST}` })[name];
const other = (path: readonly string[]): Value | undefined =>
  ({ "system.token": new Secret("s3cret"), "system.name": "w9" })[path.join(".")];

function run(values: Record<string, Value>): Record<string, Value> {
  const result = substitute(entriesOf(values), { environment, other });
  return Object.fromEntries(result.map((entry) => [entry.path.join("."), entry.value]));
}

function entriesOf(values: Record<string, Value>): Entry[] {
  return Object.entries(values).map(([key, value], index) => {
    return {
      path: parsePath(key) ?? [key],
      value,
      origin: { source: "config.ini", file: "config.ini", line: index + 1 },
    };
  });
}

function failure(values: Record<string, Value>): ConfigSyncError {
  try {
    run(values);
  } catch (error) {
    if (error instanceof ConfigSyncError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test.each([
  [`\${HOST}`, "db.local"],
  [`http://\${HOST}:5432/\${system.name}`, "http://db.local:5432/w9"],
  [`\${NOPE:-fallback}`, "fallback"],
  [`\${EMPTY:-fallback}`, "fallback"],
  [`\${EMPTY}`, ""],
  [`\${NOPE:-}`, ""],
  [`\${NOPE:-a:-b}`, "a:-b"],
  [`\${no.such:-x}`, "x"],
  [`$\${HOST}`, `\${HOST}`],
  ["a$$b$$$$c", "a$b$$c"],
  ["pa$word $1 $", "pa$word $1 $"],
  ["$HOST", "$HOST"],
  [`\${DOLLAR}`, `\${HOST}`],
  ["100%", "100%"],
])("%j becomes %j", (text, expected) => {
  expect(run({ "a.b": text })["a.b"]).toBe(expected);
});

test("a key of the same source may be used before it is given, and through others", () => {
  const values = run({ "a.url": `\${b.host}:1`, "b.host": `\${c.name}.local`, "c.name": "x" });
  expect(values).toEqual({ "a.url": "x.local:1", "b.host": "x.local", "c.name": "x" });
});

test("the own source is asked before the other layers", () => {
  expect(run({ "a.x": `\${system.name}`, "system.name": "mine" })["a.x"]).toBe("mine");
});

test("a section with a dot is named in brackets", () => {
  expect(run({ "a.x": `\${[log.console].LEVEL}`, "[log.console].LEVEL": "info" })["a.x"]).toBe("info");
});

test("what takes in a secret becomes one, however far the way", () => {
  const values = run({ "a.x": `\${b.x}`, "b.x": `u:\${system.token}@h`, "c.x": `\${NOPE:-plain}` });
  for (const key of ["a.x", "b.x"]) {
    expect(values[key]).toBeInstanceOf(Secret);
    expect(reveal(values[key] ?? "")).toBe("u:s3cret@h");
  }
  expect(values["c.x"]).toBe("plain");
});

test("a secret stays one when its own references are filled in", () => {
  const values = run({ "a.pwd": new Secret(`p-\${HOST}`) });
  expect(values["a.pwd"]).toBeInstanceOf(Secret);
  expect(reveal(values["a.pwd"] ?? "")).toBe("p-db.local");
});

test("a cycle is refused with its chain of keys", () => {
  const error = failure({ "z.z": `\${a.x}`, "a.x": `\${b.x}`, "b.x": `\${c.x}`, "c.x": `\${a.x}` });
  expect(error.code).toBe("VALUE_INVALID");
  expect(error.message).toContain("a.x → b.x → c.x → a.x");
  expect(failure({ "a.x": `\${a.x}` }).message).toContain("a.x → a.x");
});

test.each([
  [{ "a.x": "1", "a.y": `\${NOPE}` }, "VALUE_MISSING", "a.y", 2],
  [{ "a.x": `\${no.such}` }, "VALUE_MISSING", "a.x", 1],
  [{ "a.x": `\${}` }, "VALUE_INVALID", "a.x", 1],
  [{ "a.x": `\${HOST` }, "VALUE_INVALID", "a.x", 1],
  [{ "a.x": `\${not a name}` }, "VALUE_INVALID", "a.x", 1],
  [{ "a.x": `\${a..b}` }, "VALUE_INVALID", "a.x", 1],
])("%j is refused with key and place", (values, code, key, line) => {
  const error = failure(values);
  expect([error.code, error.key, error.place.line]).toEqual([code, key, line]);
  expect(error.place.file).toBe("config.ini");
});

test.each([`hunter2\${HOST`, `x\${hunter2!}`, `x\${hunter2.!..}`])("an error about %j shows no secret", (text) => {
  const error = failure({ "a.pwd": new Secret(text) });
  expect(JSON.stringify(error) + error.toText()).not.toContain("hunter2");
});

test.each([`x\${hunter2}`, `\${hunter2.x} x`])("an error about %j names no part of what may be a secret", (text) => {
  const error = failure({ "a.pwd": new Secret(text) });
  expect(JSON.stringify(error) + error.toText()).not.toContain("hunter2");
  expect(error.code).toBe("VALUE_MISSING");
  expect(failure({ "a.x": text }).message).toContain("hunter2");
});

test("a secret that is nothing but a reference says to what", () => {
  expect(failure({ "a.pwd": new Secret(`\${DB_PWD}`) }).message).toBe(
    "a.pwd refers to the variable DB_PWD, which is not set",
  );
});

test("doubling references end at the limit instead of in memory", () => {
  const values: Record<string, string> = { "k.0": "x".repeat(1000) };
  for (let i = 1; i < 60; i++) values[`k.${i}`] = `\${k.${i - 1}}\${k.${i - 1}}`;
  expect(failure(values).message).toContain("1 MiB");
});

test("a chain of references is limited, whatever the stack would bear", () => {
  const values: Record<string, string> = {};
  for (let i = 0; i < 20_000; i++) values[`k.${i}`] = `\${k.${i + 1}}`;
  expect(failure(values).message).toContain("100 references");
});
