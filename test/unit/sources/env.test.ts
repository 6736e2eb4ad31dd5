import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatPath } from "../../../src/config/path.ts";
import { reveal, Secret, secretPaths } from "../../../src/config/secret.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";
import { type EnvSourceOptions, envSource } from "../../../src/sources/env.ts";

type Environment = Record<string, string | undefined>;

async function load(
  environment: Environment,
  more: Partial<EnvSourceOptions> = {},
  otherSections: readonly string[] = [],
): Promise<Record<string, string>> {
  const source = envSource({ environment, secretPaths: secretPaths([]), ...more });
  const others = otherSections.map((section) => {
    return { source: "f", protected: false, entries: [{ path: [section, "k"], value: "", origin: { source: "f" } }] };
  });
  const own = await source.load();
  const { entries } = source.complete?.(own, others) ?? own;
  return Object.fromEntries(entries.map(({ path, value }) => [formatPath(path), reveal(value)]));
}

async function refusal(environment: Environment): Promise<ConfigSyncError> {
  const result = await load(environment).catch((error: ConfigSyncError) => error);
  if (result instanceof Error) return result as ConfigSyncError;
  throw new Error("it was accepted");
}

describe("variables", () => {
  it("name section and key, in lower case", async () => {
    expect(await load({ CONFIG_SYNC__GITEA__HTTP_PORT: "3001", HOME: "/root", CONFIG_SYNC_OTHER: "x" })).toEqual({
      "gitea.http_port": "3001",
    });
  });

  it("name other characters by their hex, and keep the case of those", async () => {
    const environment = { CONFIG_SYNC__LOG_0x2E_CONSOLE__MY_0X2D_KEY_0x41__0xC3A4_: "x" };
    expect(await load(environment)).toEqual({ "[log.console].my-keyAä": "x" });
  });

  it("mean the section that a file spells with capitals", async () => {
    const environment = { CONFIG_SYNC__GITEA__PORT: "1", CONFIG_SYNC__NEW__PORT: "2", CONFIG_SYNC__BOTH__PORT: "3" };
    expect(await load(environment, {}, ["Gitea", "Both", "both"])).toEqual({
      "Gitea.port": "1",
      "new.port": "2",
      "both.port": "3",
    });
  });

  it("have the prefix of the settings", async () => {
    expect(await load({ W9__A__B: "1", CONFIG_SYNC__A__B: "2" }, { prefix: "W9__" })).toEqual({ "a.b": "1" });
  });

  it("are secret where the key is", async () => {
    const source = envSource({
      environment: { CONFIG_SYNC__GITEA__USER_PWD: "hunter2" },
      secretPaths: secretPaths([]),
    });
    const { entries } = await source.load();
    expect(entries[0]?.value).toBeInstanceOf(Secret);
    expect(entries[0]?.origin).toEqual({ source: "environment", file: "$CONFIG_SYNC__GITEA__USER_PWD" });
  });

  it.each([
    "CONFIG_SYNC__",
    "CONFIG_SYNC__GITEA",
    "CONFIG_SYNC__GITEA__",
    "CONFIG_SYNC____PORT",
    "CONFIG_SYNC__A__B__C",
    "CONFIG_SYNC__A__B__C__FILE",
  ])("named %s are refused by name, never by value", async (name) => {
    const error = await refusal({ [name]: "hunter2" });
    expect(error.code).toBe("SOURCE_INVALID");
    expect(error.toText()).toContain(name);
    expect(error.toText()).not.toContain("hunter2");
  });

  it("that set one key twice are refused, with both names", async () => {
    const error = await refusal({ CONFIG_SYNC__A__B: "hunter2", CONFIG_SYNC__a__b: "hunter3" });
    expect(error.message).toContain("CONFIG_SYNC__A__B");
    expect(error.message).toContain("CONFIG_SYNC__a__b");
    expect(error.message).not.toContain("hunter");
  });

  it("can name every section and key there is", async () => {
    const hex = (text: string): string => `_0x${Buffer.from(text).toString("hex")}_`;
    const name = fc.string({ minLength: 1, unit: "grapheme" });
    await fc.assert(
      fc.asyncProperty(name, name, fc.string(), async (section, key, value) => {
        const loaded = await load({ [`CONFIG_SYNC__${hex(section)}__${hex(key)}`]: value });
        expect(loaded).toEqual({ [formatPath([section, key])]: value });
      }),
    );
  });
});

describe("variables that name a file", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "config-sync-env-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = (content: string | Buffer): string => {
    writeFileSync(join(folder, "value"), content);
    return join(folder, "value");
  };

  it("give its content, without the newline at the end, as a secret", async () => {
    const environment = { CONFIG_SYNC__DB__USER__FILE: file(" two\nlines \n\n") };
    expect(await load(environment)).toEqual({ "db.user": " two\nlines \n" });
    const { entries } = await envSource({ environment, secretPaths: () => false }).load();
    expect(entries[0]?.value).toBeInstanceOf(Secret);
  });

  it("may have a key that is called file", async () => {
    expect(await load({ CONFIG_SYNC__DB__FILE: "data.db" })).toEqual({ "db.file": "data.db" });
  });

  it.each([
    ["is no UTF-8 text", () => file(Buffer.from([0x68, 0xff])), "SOURCE_INVALID"],
    ["holds a NUL", () => file("a\0b"), "SOURCE_INVALID"],
    ["is larger than 64 KiB", () => file("x".repeat(64 * 1024 + 1)), "SOURCE_INVALID"],
    ["is a folder", () => folder, "SOURCE_INVALID"],
    ["is not there", () => join(folder, "missing"), "SOURCE_MISSING"],
    ["is not named with its whole path", () => "value", "SOURCE_INVALID"],
  ])("are refused when it %s", async (_, path, code) => {
    const error = await refusal({ CONFIG_SYNC__DB__USER__FILE: path() });
    expect(error.code).toBe(code);
    expect(error.message).toContain("CONFIG_SYNC__DB__USER__FILE");
  });

  it("cannot stand beside the variable itself", async () => {
    const error = await refusal({ CONFIG_SYNC__A__B: "x", CONFIG_SYNC__A__B__FILE: file("y") });
    expect(error.message).toMatch(/CONFIG_SYNC__A__B__FILE sets a\.b a second time/);
  });
});
