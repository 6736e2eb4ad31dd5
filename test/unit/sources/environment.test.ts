import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createApp } from "../../../src/apps/app.ts";
import { createDoor, type Door } from "../../../src/apps/door.ts";
import { createKeyText, isSealed, type Key, parseKey, seal } from "../../../src/config/encryption.ts";
import { formatPath } from "../../../src/config/path.ts";
import { reveal, Secret, secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { memoryHistory } from "../../../src/history/memory.ts";
import { environmentSource } from "../../../src/sources/environment.ts";
import { fileSource } from "../../../src/sources/file.ts";
import type { Edit, SourceDocument } from "../../../src/sources/source.ts";

const folder = mkdtempSync(path.join(tmpdir(), "config-sync-environment-"));
afterAll(() => rmSync(folder, { recursive: true }));

const lookEvery = 3_600_000;
const isSecret = secretPaths(["environment.PIN"]);

function sourceAt(file: string, keys: readonly Key[] = []) {
  const sealing = { app: "default", keys: keys.length === 0 ? undefined : () => keys };
  return environmentSource({ path: file, name: path.basename(file), secretPaths: isSecret, sealing, lookEvery });
}

function documentWith(...keys: readonly Key[]): SourceDocument {
  const { document } = sourceAt(path.join(folder, "environment.yaml"), keys);
  if (document === undefined) throw new Error("the environment has a document");
  return document;
}

function newKey(): Key {
  const key = parseKey(createKeyText());
  if (key === undefined) throw new Error("a new key is not one");
  return key;
}

const document = documentWith();
const read = (text: string | Buffer) =>
  Object.fromEntries(document.read(Buffer.from(text)).entries.map(({ path, value }) => [formatPath(path), value]));
const edit = (text: string, ...edits: Edit[]) => document.edit(Buffer.from(text), edits).toString();

function refusal(work: () => unknown): ConfigSyncError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigSyncError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const whole = `# what services get
variables:
  TZ: Europe/Berlin   # where we are
  PORT: 0777
mappings:
  DB_HOST: database.host
services:
  shop:
    variables:
      LEVEL: "debug"
    mappings: { URL: "http://\${gateway.host}/", "MAIL_*": mail.* }
`;

describe("environment.yaml", () => {
  test("is read into sections for all services and for one, numbers as they are written", () => {
    expect(read(whole)).toEqual({
      "environment.TZ": "Europe/Berlin",
      "environment.PORT": "0777",
      "mappings.DB_HOST": "database.host",
      "environment:shop.LEVEL": "debug",
      "mappings:shop.URL": `http://\${gateway.host}/`,
      "mappings:shop.MAIL_*": "mail.*",
    });
    const [first] = document.read(Buffer.from(whole)).entries;
    expect(first?.origin).toMatchObject({ file: "environment.yaml", line: 3, column: 7 });
  });

  test("may leave parts without a line", () => {
    expect(read("variables:\n  # TZ: x\nmappings: {}\nservices:\n  shop:\n    variables:\n")).toEqual({});
  });

  test("keeps secret what is called so, and not what a mapping takes", () => {
    const { "environment.DB_PASSWORD": password, ...others } = read(
      "variables: { DB_PASSWORD: x, PIN: y }\nmappings: { MAIL_TOKEN: mail.token }\n",
    );
    expect([password, others["environment.PIN"]].map((value) => value instanceof Secret)).toEqual([true, true]);
    expect(others["mappings.MAIL_TOKEN"]).toBe("mail.token");
  });

  test.each([
    ["nothing", "# only this\n", /empty/],
    ["another part", "variables: {}\nvars: { A: b }\n", /vars\.A has no meaning/, 2],
    ["a list as a whole", "[]\n", /a list or a single value has no meaning/],
    ["a list", "variables:\n  A: [b]\n", /one text as its value/, 2],
    ["no value", "variables:\n  A:\n", /one text as its value/, 2],
    ["a name with a blank", 'variables:\n  "A B": c\n', /not the name/, 2],
    ["a name that a terminal obeys", 'variables:\n  "A\\u009b2J": c\n', /not the name/, 2],
    ["a name that is not what it looks like", 'variables:\n  "A\\u202e": c\n', /not the name/, 2],
    ["a star in a variable", 'variables:\n  "A*": c\n', /not the name/, 2],
    [
      "a variable that is mapped, too",
      "variables: { A: b }\nmappings:\n  A: b.c\n",
      /A is a variable and is mapped/,
      3,
    ],
    ["a name twice", "variables:\n  A: b\n  A: c\n", /stands twice/, 3],
    ["a mapping of a section", "mappings:\n  A: mail\n", /names no key/, 2],
    ["a mapping of the environment", "mappings:\n  A: environment.B\n", /environment itself/, 2],
    ["a lone dollar sign", "mappings:\n  A: a$b\n", /begins nothing/, 2],
    ["a star for one key", 'mappings:\n  "A_*": mail.host\n', /whole section/, 2],
    ["no service name", "services:\n  Shop: { variables: { A: b } }\n", /not the name of a service/, 2],
    ["no YAML", "variables: {\n", /YAML/, 2],
  ])("is refused with %s", (_, text, message, line = 1) => {
    expect(refusal(() => read(text))).toMatchObject({
      message: expect.stringMatching(message),
      place: { file: "environment.yaml", line },
    });
  });

  test("is edited in place, every other byte kept", () => {
    const edited = edit(
      whole,
      { path: ["environment", "TZ"], value: "UTC" },
      { path: ["environment", "NEW"], value: "yes" },
      { path: ["mappings:shop", "MAIL_*"] },
      { path: ["environment:other", "A"], value: "b" },
    );
    expect(edited).toBe(`# what services get
variables:
  TZ: "UTC"   # where we are
  PORT: 0777
  NEW: "yes"
mappings:
  DB_HOST: database.host
services:
  shop:
    variables:
      LEVEL: "debug"
    mappings: { URL: "http://\${gateway.host}/" }
  other:
    variables:
      A: "b"
`);
  });

  test("takes the first variable where only comments stand, and keeps them", () => {
    const edited = edit(
      "variables:\n  # TZ: x\n\n# more\nmappings:\n  # A: b\nservices:\n  # shop:\n",
      { path: ["environment", "TZ"], value: "UTC" },
      { path: ["mappings:shop", "H"], value: "mail.host" },
    );
    expect(read(edited)).toEqual({ "environment.TZ": "UTC", "mappings:shop.H": "mail.host" });
    for (const comment of ["  # TZ: x\n", "# more\n", "  # A: b\n", "  # shop:\n"]) expect(edited).toContain(comment);
    expect(Object.keys(read(edit(edited, { path: ["environment", "TZ"] })))).toEqual(["mappings:shop.H"]);
  });

  test("is not written for a value that is there, however it is quoted", () => {
    expect(edit(whole, { path: ["environment", "PORT"], value: "0777" })).toBe(whole);
  });

  test.each([
    ["variables:\n  A: b\n", "variables:\n"],
    ["variables:\n  # one\n  A: b # two\n  # three\n", "variables:\n  # one\n  # three\n"],
    ["variables: { A: b }\n", "variables: {  }\n"],
    ['{"variables":{"A":"b"}}', '{"variables":{}}'],
  ])("goes on being a document, comments and all, when the last variable goes: %j", (before, after) => {
    const edited = edit(before, { path: ["environment", "A"] });
    expect(edited).toBe(after);
    expect(read(edited)).toEqual({});
    expect(read(edit(edited, { path: ["environment", "A"], value: "c" }))).toEqual({ "environment.A": "c" });
  });

  test("keeps what is said of a service whose last variable goes", () => {
    const text = "services:\n  # the shop\n  shop:\n    variables:\n      # loud\n      LEVEL: debug\n    # more\n";
    expect(edit(text, { path: ["environment:shop"] })).toBe(text.replace("      LEVEL: debug\n", ""));
  });

  test("loses a section as a whole, and takes a new one in the same change", () => {
    const edited = edit(
      whole,
      { path: ["environment"] },
      { path: ["environment", "TZ"], value: "UTC" },
      { path: ["mappings:shop"] },
    );
    expect(Object.keys(read(edited))).toEqual(["environment.TZ", "mappings.DB_HOST", "environment:shop.LEVEL"]);
  });

  test("gives back whatever value is set, in any place", () => {
    const letters = fc.constantFrom(..." '\"\\\n\r\t:#-?{}[],&*!|>%@`~=\x1b\x7f\x85\u2028\ufeff0aé😀");
    const values = fc.oneof(fc.string({ unit: letters, maxLength: 12 }), fc.string({ unit: "grapheme" }));
    const sections = fc.constantFrom("environment", "environment:shop", "environment:new");
    const names = fc.constantFrom("TZ", "PORT", "LEVEL", "A", "no", "_1", "my.name-x");
    const before = read(whole);
    fc.assert(
      fc.property(sections, names, values, (section, name, value) => {
        const after = read(edit(whole, { path: [section, name], value }));
        expect(after).toEqual({ ...before, [formatPath([section, name])]: value });
      }),
      { numRuns: 100 },
    );
  });
});

describe("secrets in environment.yaml", () => {
  test("are sealed when they are set, opened when they are read, and bound to their place", () => {
    const sealing = documentWith(newKey());
    const sealed = sealing.edit(Buffer.from("variables: {}\n"), [
      { path: ["environment", "DB_PASSWORD"], value: "s3cret" },
      { path: ["environment", "TZ"], value: "UTC" },
      { path: ["mappings", "API_KEY"], value: "api.key" },
    ]);
    expect(sealed.toString()).not.toContain("s3cret");
    expect(sealed.toString()).toContain("UTC");
    expect(sealed.toString()).toContain("api.key");
    const opened = sealing.read(sealed).entries.map(({ path, value }) => [formatPath(path), reveal(value)]);
    expect(Object.fromEntries(opened)).toMatchObject({ "environment.DB_PASSWORD": "s3cret" });
    const moved = Buffer.from(sealed.toString().replace("DB_PASSWORD", "TZ_PASSWORD"));
    expect(refusal(() => sealing.read(moved))).toMatchObject({ place: { file: "environment.yaml" } });
  });

  test("are in no mapping, which would hide what it takes", () => {
    const key = newKey();
    const sealed = seal("mail.host", key, { app: "default", path: ["mappings", "HOST"] });
    const text = (value: string): Buffer => Buffer.from(`mappings:\n  HOST: "${value}"\n`);
    expect(refusal(() => documentWith(key).read(text(sealed)))).toMatchObject({ code: "VALUE_INVALID" });
    expect(refusal(() => documentWith(key).read(text(`\${mail.host}${sealed}`)))).toMatchObject({
      code: "SOURCE_INVALID",
    });
  });

  test("that stand in clear are sealed on request, and with a new key anew", () => {
    const [old, next] = [newKey(), newKey()];
    const clear = Buffer.from("variables:\n  DB_PASSWORD: s3cret # mine\n  TZ: UTC\n");
    const { bytes, keys } = documentWith(old).seal?.(clear, "clear") ?? {};
    expect(keys).toEqual(["environment.DB_PASSWORD"]);
    expect(String(bytes)).toMatch(/DB_PASSWORD: "enc:v1:.*" # mine\n {2}TZ: UTC\n$/);
    const rotated = documentWith(next, old).seal?.(bytes ?? clear, "old");
    const text = documentWith(next).read(rotated?.bytes ?? clear).entries[0];
    expect(reveal(text?.value ?? "")).toBe("s3cret");
    expect(isSealed(/"(.*)"/.exec(String(rotated?.bytes))?.[1] ?? "")).toBe(true);
  });
});

describe("the environment at the door", () => {
  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

  async function openDoor(name: string, config = "[mail]\nhost = smtp\n"): Promise<{ door: Door; file: string }> {
    const file = path.join(folder, `${name}.yaml`);
    writeFileSync(path.join(folder, `${name}.ini`), config);
    writeFileSync(file, "variables:\n  TZ: UTC\n");
    const ini = fileSource({
      path: path.join(folder, `${name}.ini`),
      name: `${name}.ini`,
      protected: false,
      substitute: false,
      secretPaths: isSecret,
      lookEvery,
      environment: {},
    });
    const app = createApp("default", [ini, sourceAt(file)], digest);
    const door = createDoor({ app, history: memoryHistory(), clock: { now: () => 0 }, journal: folder });
    await door.look();
    return { door, file };
  }

  const by = { author: "me", message: "why" };

  test("goes into its own document, new sections too, and all else does not", async () => {
    const { door, file } = await openDoor("own");
    const edits = [
      { path: ["mappings:shop", "HOST"], value: "mail.host" },
      { path: ["web", "port"], value: "80" },
    ];
    await door.change({ ...by, edits });
    expect(readFileSync(file, "utf8")).toContain('HOST: "mail.host"');
    expect(readFileSync(path.join(folder, "own.ini"), "utf8")).toBe("[mail]\nhost = smtp\n\n[web]\nport = 80\n");
  });

  test("comes back with a rollback", async () => {
    const { door, file } = await openDoor("back");
    const before = readFileSync(file, "utf8");
    const first = door.current().revision?.number ?? 0;
    await door.change({ ...by, edits: [{ path: ["environment", "TZ"] }] });
    expect(readFileSync(file, "utf8")).toBe("variables:\n");
    await door.rollBack({ ...by, to: first, section: "environment" });
    expect(Object.keys(read(readFileSync(file)))).toEqual(["environment.TZ"]);
    await door.rollBack({ ...by, to: first });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("is given by nobody else", async () => {
    const { door } = await openDoor("else", "[environment:shop]\ntz = UTC\n");
    expect(door.current().problems).toMatchObject([{ code: "SOURCE_INVALID", place: { file: "else.ini", line: 2 } }]);
  });
});
