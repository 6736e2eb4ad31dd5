import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatRecords, parseRecords } from "../../../src/access/records.ts";
import { address, type Bed, codeOf, goodPassword, makeBed, thrownBy } from "./bed.ts";

let bed: Bed;
let key: string;
beforeEach(async () => {
  bed = await makeBed();
  key = await bed.access.createKey("ci", { role: "editor", sections: ["gitea"] });
  await bed.access.createUser("ann", goodPassword, { role: "viewer" });
  await bed.access.login({ user: "ann", password: goodPassword, address });
});
afterEach(() => bed.remove());

const show = () => bed.access.authenticate({ key, address });

describe("the file", () => {
  test("can be read by its owner only, and so can its folder", async () => {
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect([await mode(bed.file), await mode(dirname(bed.file))]).toEqual(["600", "700"]);
    await chmod(bed.file, 0o644);
    await bed.access.createKey("other", { role: "viewer" });
    expect(await mode(bed.file)).toBe("600");
  });

  test("comes back as it was written", async () => {
    const text = await readFile(bed.file, "utf8");
    expect(formatRecords(parseRecords(text, bed.file))).toBe(text);
  });

  test("leaves no lock and nothing else behind", async () => {
    const { readdir } = await import("node:fs/promises");
    expect(await readdir(dirname(bed.file))).toEqual(["access.json"]);
  });

  test("that is taken away takes its keys and users with it", async () => {
    await show();
    await rm(bed.file);
    expect(await codeOf(show())).toBe("UNAUTHENTICATED");
    expect(await bed.access.ensureAdmin()).toMatch(/^csk_/);
  });

  test("that comes back from a backup is in force at once", async () => {
    const backup = await readFile(bed.file);
    await bed.access.removeKey("ci");
    await writeFile(bed.file, backup);
    await show();
  });
});

describe("a file that is broken", () => {
  const damages: [what: string, damage: (text: string) => string | Buffer][] = [
    ["cut off", (text) => text.slice(0, text.length / 2)],
    ["empty", () => ""],
    ["no text", () => Buffer.from([0, 255, 1, 2])],
    ["no JSON", (text) => text.replace("{", "{oops ")],
    ["of a later version", (text) => text.replace('"version": 1', '"version": 2')],
    ["without a secret", (text) => text.replace(/ "secret".*\n/, "")],
    ["with a short secret", (text) => text.replace(/("secret": ").*(")/, "$1abcd$2")],
    ["with a field that is not known", (text) => text.replace('"keys"', '"more": 1, "keys"')],
    ["with an unknown role", (text) => text.replace('"editor"', '"root"')],
    ["with a password that costs a gigabyte", (text) => text.replace(/"N": \d+/, '"N": 1073741824')],
    ["with a list for an object", () => "[]"],
    ["with a key twice", (text) => text.replace(/"keys": \[([\s\S]*?)\n \]/, '"keys": [$1,$1\n ]')],
    ["too large", (text) => text + " ".repeat(2_000_000)],
  ];

  test.each(damages)("(%s) lets nobody in, says so, and stays as it is", async (_, damage) => {
    const text = await readFile(bed.file, "utf8");
    const broken = Buffer.from(damage(text));
    expect(broken.equals(Buffer.from(text))).toBe(false);
    await writeFile(bed.file, broken);
    const secrets = [...text.matchAll(/"(?:secret|digest|hash|salt)": "(\w+)"/g)].map(([, secret = ""]) => secret);
    expect(secrets).toHaveLength(5);
    const tries = [
      () => show(),
      () => bed.access.login({ user: "ann", password: goodPassword, address }),
      () => bed.access.createKey("more", { role: "admin" }),
      () => bed.access.ensureAdmin(),
      () => bed.access.users(),
      () => bed.openAgain(),
    ];
    for (const attempt of tries) {
      const error = await thrownBy(attempt());
      expect(error).toMatchObject({ code: "STATE_UNUSABLE", hint: expect.stringContaining("backup") });
      expect(error.message).toContain(bed.file);
      const shown = (await import("node:util")).inspect(error, { depth: 9, showHidden: true });
      for (const secret of secrets) expect(shown).not.toContain(secret.slice(0, 8));
    }
    expect((await readFile(bed.file)).equals(broken)).toBe(true);
    await writeFile(bed.file, text);
    await show();
  });

  test("also where it is a folder, or its own folder is a file", async () => {
    await rm(bed.file);
    await mkdir(bed.file);
    expect(await codeOf(show())).toBe("STATE_UNUSABLE");
    await rm(dirname(bed.file), { recursive: true });
    await writeFile(dirname(bed.file), "");
    expect(await codeOf(show())).toBe("UNAUTHENTICATED");
    expect(await codeOf(bed.access.createKey("more", { role: "admin" }))).toBe("STATE_UNUSABLE");
  });
});

describe("a file that would become too large", () => {
  test("is not written, and what is in it goes on", async () => {
    const sections = Array.from({ length: 64 }, (_, index) => `${index}`.padStart(128, "s"));
    let code: string | undefined;
    for (let index = 0; index < 200 && code === undefined; index++) {
      code = await bed.access.createKey(`k${index}`, { role: "viewer", sections }).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
    }
    expect(code).toBe("TOO_LARGE");
    await show();
    await (await bed.openAgain()).authenticate({ key, address });
    await bed.access.removeKey("k0");
  });
});
