import { createCipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { writableSources } from "../../../src/apps/place-edits.ts";
import { restoreDocuments } from "../../../src/apps/restore.ts";
import { createKeyText, isSealed, type Key, keyIdOf, parseKey, seal } from "../../../src/config/encryption.ts";
import { formatPath } from "../../../src/config/path.ts";
import { reveal, Secret, secretPaths } from "../../../src/config/secret.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { readConfigIni } from "../../../src/formats/ini/config-ini.ts";
import { envSource } from "../../../src/sources/env.ts";
import { fileSource } from "../../../src/sources/file.ts";
import type { SourceDocument } from "../../../src/sources/source.ts";

const folder = mkdtempSync(path.join(tmpdir(), "config-sync-sealed-"));
afterAll(() => rmSync(folder, { recursive: true }));

function newKey(): Key {
  const key = parseKey(createKeyText());
  if (key === undefined) throw new Error("a new key is not one");
  return key;
}

const [old, first] = [newKey(), newKey()];

interface Options {
  readonly keys?: readonly Key[] | undefined;
  readonly app?: string;
  readonly substitute?: boolean;
  readonly aes256Key?: Buffer;
}

function documentWith({
  keys = [first],
  app = "default",
  substitute = false,
  aes256Key,
}: Options = {}): SourceDocument {
  const { document } = fileSource({
    path: path.join(folder, "config.ini"),
    name: "config.ini",
    protected: false,
    substitute,
    secretPaths: secretPaths(["web.pin"]),
    sealing: { app, keys: keys.length === 0 ? undefined : () => keys, aes256Key: aes256Key && (() => aes256Key) },
    lookEvery: 3_600_000,
    environment: {},
  });
  if (document === undefined) throw new Error("a file has a document");
  return document;
}

const valuesOf = (document: SourceDocument, bytes: Buffer) =>
  new Map(document.read(bytes).entries.map(({ path, value }) => [formatPath(path), value]));
const rawOf = (bytes: Buffer) =>
  new Map(readConfigIni(bytes.toString()).map(({ path, value }) => [formatPath(path), value]));

function refusalOf(work: () => unknown): ConfigSyncError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigSyncError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const text = "; kept\n[gitea]\nhttp_port = 3000\nuser_pwd = hunter2\n\n[web]\npin: 1234\ntoken =\n";
const bytes = Buffer.from(text);
const empty = Buffer.alloc(0);
const set = (section: string, key: string, value: string) => [{ path: [section, key], value }];

describe("a document with a key", () => {
  const document = documentWith();

  test("seals what is set for a secret key, by its name or by a pattern, and nothing else", () => {
    const edits = [
      ...set("gitea", "User_Pwd", "new-secret"),
      ...set("web", "pin", "77"),
      ...set("gitea", "http_port", "1"),
    ];
    const edited = document.edit(bytes, edits);
    const raw = rawOf(edited);
    expect([...raw].map(([key, value]) => [key, isSealed(value)])).toEqual([
      ["gitea.http_port", false],
      ["gitea.user_pwd", true],
      ["web.pin", true],
      ["web.token", false],
    ]);
    const values = valuesOf(document, edited);
    expect(reveal(values.get("gitea.user_pwd") ?? "")).toBe("new-secret");
    expect(edited.toString()).toBe(
      text
        .replace("hunter2", raw.get("gitea.user_pwd") ?? "")
        .replace("1234", raw.get("web.pin") ?? "")
        .replace("3000", "1"),
    );
  });

  test("takes any text as a secret, also what the file could not hold in clear", () => {
    const values = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
    const names = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,8}_PASSWORD$/);
    fc.assert(
      fc.property(values, names, fc.boolean(), (value, name, substitute) => {
        const one = documentWith({ substitute });
        const edited = one.edit(bytes, set("gitea", name, value));
        const read = valuesOf(one, edited).get(`gitea.${name.toLowerCase()}`);
        expect(read).toBeInstanceOf(Secret);
        // References are filled in later: a dollar sign stands twice until then.
        expect(reveal(read ?? "")).toBe(substitute ? value.replaceAll("$", "$$$$") : value);
      }),
    );
  });

  test("leaves a secret as it stands where the same is set, in clear or sealed", () => {
    expect(document.edit(bytes, set("gitea", "user_pwd", "hunter2")).equals(bytes)).toBe(true);
    const sealed = document.edit(bytes, set("gitea", "user_pwd", "other"));
    expect(document.edit(sealed, set("gitea", "user_pwd", "other")).equals(sealed)).toBe(true);
  });

  test("goes on sealing a key that somebody sealed, whatever its name", () => {
    const sealed = Buffer.from(`[a]\nplain = ${seal("x", first, { app: "default", path: ["a", "plain"] })}\n`);
    const edited = document.edit(sealed, set("a", "plain", "y"));
    expect(isSealed(rawOf(edited).get("a.plain") ?? "")).toBe(true);
    expect(valuesOf(document, edited).get("a.plain")).toBeInstanceOf(Secret);
  });

  test("leaves an empty value empty: there is nothing to hide", () => {
    expect(rawOf(document.edit(bytes, set("gitea", "user_pwd", ""))).get("gitea.user_pwd")).toBe("");
  });

  test("seals what stands in clear, and says what", () => {
    const sealed = document.seal?.(bytes, "clear");
    expect(sealed?.keys).toEqual(["gitea.user_pwd", "web.pin"]);
    const values = valuesOf(document, sealed?.bytes ?? bytes);
    expect([...values].map(([key, value]) => [key, reveal(value)])).toEqual([
      ["gitea.http_port", "3000"],
      ["gitea.user_pwd", "hunter2"],
      ["web.pin", "1234"],
      ["web.token", ""],
    ]);
    expect(document.seal?.(sealed?.bytes ?? bytes, "clear")?.keys).toEqual([]);
  });

  test("seals with the first key what another one had sealed", () => {
    const before = documentWith({ keys: [old] }).seal?.(bytes, "clear")?.bytes ?? bytes;
    const both = documentWith({ keys: [first, old] });
    const after = both.seal?.(before, "old");
    expect(after?.keys).toEqual(["gitea.user_pwd", "web.pin"]);
    expect(keyIdOf(rawOf(after?.bytes ?? bytes).get("web.pin") ?? "")).toBe(first.id);
    // The old key is not needed any more.
    expect(reveal(valuesOf(document, after?.bytes ?? bytes).get("web.pin") ?? "")).toBe("1234");
    expect(both.seal?.(after?.bytes ?? bytes, "old")?.keys).toEqual([]);
  });

  test("refuses to seal what stands in [DEFAULT], for every section", () => {
    const shared = Buffer.from("[a]\nx = 1\n[DEFAULT]\npassword = hunter2\n[b]\ny = 1\n");
    expect(refusalOf(() => document.seal?.(shared, "clear"))).toMatchObject({ code: "UNREPRESENTABLE" });
    const own = Buffer.from("[DEFAULT]\nx = 1\n[b]\npassword = hunter2\n");
    expect(document.seal?.(own, "clear")?.keys).toEqual(["b.password"]);
  });
});

test("a section that comes back keeps its references, and its secrets are sealed", () => {
  const source = fileSource({
    path: path.join(folder, "config.ini"),
    name: "config.ini",
    protected: false,
    substitute: true,
    secretPaths: secretPaths([]),
    sealing: { app: "default", keys: () => [first] },
    lookEvery: 3_600_000,
    environment: {},
  });
  const password = `a$$b\${C}`;
  const section = `[a]\nurl = http://\${HOST:-x}/\nprice = 5$$\nuser_pwd = ${password}\n`;
  const revision = { number: 1, parent: null, author: "", message: "", at: 0, hash: "" };
  const documents = [{ name: "config.ini", bytes: Buffer.from(section) }];
  const known = new Map([["config.ini", Buffer.from("[a]\nurl = other\nprice = 6\nuser_pwd = c\n")]]);
  const [restored = empty] = restoreDocuments(
    { ...revision, documents },
    writableSources([source]),
    known,
    "a",
  ).values();
  const sealed = rawOf(restored).get("a.user_pwd") ?? "";
  expect(isSealed(sealed)).toBe(true);
  expect(restored.toString()).toBe(section.replace(password, () => sealed));
  expect([...documentWith({ substitute: true }).read(restored).entries].map(({ value }) => reveal(value))).toEqual([
    ...[`http://\${HOST:-x}/`, "5$$", password],
  ]);
});

describe("a value of Websoft9", () => {
  const aes256Key = randomBytes(32);
  const iv = randomBytes(16);
  const encryption = createCipheriv("aes-256-cbc", aes256Key, iv);
  const code = Buffer.concat([iv, encryption.update("hunter4"), encryption.final()]).toString("base64");
  const legacy = Buffer.from(`[cockpit]\nadmin_password_encrypted = AES256:${code}\n`);

  test("is read with its key, and sealed in our form where that is asked for", () => {
    const document = documentWith({ aes256Key });
    expect(reveal(valuesOf(document, legacy).get("cockpit.admin_password_encrypted") ?? "")).toBe("hunter4");
    expect(document.seal?.(legacy, "clear")?.keys).toEqual([]);
    const migrated = document.seal?.(legacy, "aes256");
    expect(migrated?.keys).toEqual(["cockpit.admin_password_encrypted"]);
    const [value] = valuesOf(documentWith(), migrated?.bytes ?? legacy).values();
    expect(reveal(value ?? "")).toBe("hunter4");
    expect(isSealed(rawOf(migrated?.bytes ?? legacy).get("cockpit.admin_password_encrypted") ?? "")).toBe(true);
  });

  test("is an error with its place without a key, and never used as it stands", () => {
    const refusal = refusalOf(() => documentWith().read(legacy));
    expect(refusal).toMatchObject({ code: "SOURCE_INVALID", place: { file: "config.ini", line: 2 } });
  });
});

describe("a sealed value that cannot be opened", () => {
  const sealed = documentWith().edit(bytes, set("gitea", "user_pwd", "hunter3"));

  test.each<[string, SourceDocument]>([
    ["without a key", documentWith({ keys: [] })],
    ["with another key", documentWith({ keys: [old] })],
    ["in another app", documentWith({ app: "other" })],
  ])("is an error with its place: %s", (_why, document) => {
    const refusal = refusalOf(() => document.read(sealed));
    expect(refusal).toMatchObject({ code: "SOURCE_INVALID", key: "gitea.user_pwd" });
    expect(refusal.place).toMatchObject({ file: "config.ini", line: 4, column: 12 });
    expect(refusal.toText()).not.toContain("hunter3");
  });

  test("is an error where it was moved to another section or key, or taken in by a reference", () => {
    const value = rawOf(sealed).get("gitea.user_pwd");
    for (const moved of [
      `[web]\nuser_pwd = ${value}\n`,
      `[gitea]\npwd = ${value}\n`,
      `[DEFAULT]\nuser_pwd = ${value}\n[a]\n`,
    ])
      expect(refusalOf(() => documentWith().read(Buffer.from(moved))).code).toBe("SOURCE_INVALID");
    const url = `${sealed}[gitea2]\n`.replace("[web]", "url = http://%(user_pwd)s@host\n[web]");
    expect(refusalOf(() => documentWith().read(Buffer.from(url)))).toMatchObject({ key: "gitea.url" });
  });

  const value = rawOf(sealed).get("gitea.user_pwd") ?? "";
  const ofWebsoft9 = `AES256:${randomBytes(32).toString("base64")}`;
  const encrypted = [
    ["sealed", value],
    ["sealed, in the middle of a text", `x${value}`],
    ["of Websoft9", ofWebsoft9],
  ] as const;

  test.each(encrypted)("is not used as it stands in the environment either: %s", async (_, text) => {
    const file = path.join(folder, "value");
    writeFileSync(file, text);
    for (const environment of [{ CONFIG_SYNC__GITEA__USER_PWD: text }, { CONFIG_SYNC__GITEA__USER_PWD__FILE: file }]) {
      const source = envSource({ environment, secretPaths: secretPaths([]) });
      await expect(source.load()).rejects.toMatchObject({ code: "SOURCE_INVALID" });
    }
  });

  test.each(encrypted)("does not become the password where it is given for one: %s", (_, text) => {
    for (const key of ["user_pwd", "token"]) {
      const refusal = refusalOf(() => documentWith().edit(bytes, set("web", key, text)));
      expect(refusal).toMatchObject({ code: "VALUE_INVALID", key: `web.${key}` });
      expect(refusal.toText()).not.toContain(text);
    }
    // What stands there stays.
    expect(
      documentWith()
        .edit(sealed, set("gitea", "user_pwd", value))
        .equals(sealed),
    ).toBe(true);
  });

  test("is opened again as soon as its key is there, and not longer than that", () => {
    let keys: readonly Key[] = [old];
    const options = { path: path.join(folder, "x.ini"), name: "x.ini", protected: false, substitute: false };
    const { document } = fileSource({
      ...options,
      secretPaths: secretPaths([]),
      sealing: { app: "default", keys: () => keys },
      lookEvery: 3_600_000,
      environment: {},
    });
    expect(refusalOf(() => document?.read(sealed)).code).toBe("SOURCE_INVALID");
    keys = [old, first];
    expect(document && reveal(valuesOf(document, sealed).get("gitea.user_pwd") ?? "")).toBe("hunter3");
    keys = [old];
    expect(refusalOf(() => document?.read(sealed)).code).toBe("SOURCE_INVALID");
  });
});

test("a document without a key says so where something is to be sealed, and writes in clear", () => {
  const document = documentWith({ keys: [] });
  expect(refusalOf(() => document.seal?.(bytes, "clear")).code).toBe("KEY_UNUSABLE");
  expect(rawOf(document.edit(bytes, set("gitea", "user_pwd", "clear"))).get("gitea.user_pwd")).toBe("clear");
});
