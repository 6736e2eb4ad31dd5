import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { holdsMask } from "../../../src/config/masked-tree.ts";
import { maskUrls, passwordsInUrls, redactor, reveal, Secret, secretPaths } from "../../../src/config/secret.ts";

const canary = "pa@ss)w0rd";

describe("Secret", () => {
  test("shows itself nowhere by accident", () => {
    const secret = new Secret(canary);
    const wrapped = { deep: [{ secret }] };
    const shown = [
      `${secret}`,
      String(secret),
      `x${secret}`,
      JSON.stringify(wrapped),
      inspect(wrapped, { depth: 9, showHidden: true }),
      Object.keys(secret).join(),
      new Error(`wrong: ${secret}`).message,
    ];
    for (const text of shown) expect(text).not.toContain(canary);
    expect(JSON.stringify(wrapped)).toContain("[secret]");
  });

  test("gives its text to who asks for it by name", () => {
    expect(reveal(new Secret(canary))).toBe(canary);
    expect(reveal("plain")).toBe("plain");
  });
});

describe("secretPaths", () => {
  const isSecret = secretPaths(["api_key.key", "webhook.*"]);

  test.each([
    ["gitea", "user_pwd"],
    ["a", "PASSWORD"],
    ["database", "PASSWD"],
    ["security", "INTERNAL_TOKEN"],
    ["security", "SECRET_KEY"],
    ["server", "LFS_JWT_SECRET"],
    ["x", "W9_POWER_PASSWORD"],
    ["cockpit", "admin_password_encrypted"],
    ["app", "DB_PASSWORD_FILE"],
    ["api_key", "key"],
    ["webhook", "wechat"],
  ])("%s.%s is one", (...path) => {
    expect(isSecret(path)).toBe(true);
  });

  test.each([
    ["gitea", "user_name"],
    ["domain", "key"],
    ["x", "http_port"],
    ["x", "monkey"],
    ["x", "ssl_key_path"],
    ["x", "compass"],
  ])("%s.%s is none", (...path) => {
    expect(isSecret(path)).toBe(false);
  });
});

describe("redactor", () => {
  test("blots secrets out of foreign text, also in the forms of URLs and JSON", () => {
    const redact = redactor([canary, 'qu"ote', "abc"]);
    const said = `plain ${canary}, url http://u:${encodeURIComponent(canary)}@h, json ${JSON.stringify({ p: 'qu"ote' })}, abc`;
    expect(redact(said)).toBe('plain [secret], url http://u:[secret]@h, json {"p":"[secret]"}, abc');
  });

  test.each([
    ["JSON", JSON.stringify],
    ["a URL", encodeURIComponent],
    ["a form", (text: string) => new URLSearchParams({ "": text }).toString().slice(1)],
    ["HTML, by Python", (text: string) => htmlOf(text, "&quot;", "&#x27;")],
    ["HTML, by Go", (text: string) => htmlOf(text, "&#34;", "&#39;")],
    ["a login", (text: string) => Buffer.from(`anna:${text}`).toString("base64")],
    ["base64", (text: string) => Buffer.from(`12${text}345`).toString("base64")],
    ["base64 for URLs", (text: string) => Buffer.from(`1${text}34`).toString("base64url")],
  ])("blots a secret out as %s spells it", (_name, spell) => {
    const long = `p"a's <w>&o?rd~?~ é~~`;
    // One of them, where it is too long to be there by accident.
    const shown = redactor([long])(`before ${spell(long)} after`);
    expect(shown).toMatch(/^before .{0,8}\[secret\].{0,8} after$/);
  });

  test("blots out each line of a key in PEM, and not its frame", () => {
    const pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIGMr3Q==\n-----END PRIVATE KEY-----";
    expect(redactor([pem])("-----BEGIN PRIVATE KEY-----\n  MC4CAQAwBQYDK2Vw\n  BCIEIGMr3Q==\n  -----END")).toBe(
      "-----BEGIN PRIVATE KEY-----\n  [secret]\n  [secret]\n  -----END",
    );
  });

  test("blots passwords out of URLs that nobody said to be secret", () => {
    const redact = redactor([]);
    expect(redact("dsn=postgres://u:p:w@db:5432/x?a=b, http://plain/x:y@z")).toBe(
      "dsn=postgres://u:[secret]@db:5432/x?a=b, http://plain/x:y@z",
    );
  });

  test("blots out a password of a URL that has an @ of its own, as a whole", () => {
    expect(redactor([])('{"dsn":"amqp://u:p@ss@w@mq/v","mail":"a@b"}')).toBe(
      '{"dsn":"amqp://u:[secret]@mq/v","mail":"a@b"}',
    );
  });

  test("blots out what a telling name gives in the query of a URL, and nothing else there", () => {
    expect(redactor([])("GET https://h/hook?page=2&access_token=a%20b.c&x=1#top, a=1&amp;api_key=k&amp;n=2")).toBe(
      "GET https://h/hook?page=2&access_token=[secret]&x=1#top, a=1&amp;api_key=[secret]&amp;n=2",
    );
    expect(passwordsInUrls("https://u:pw@h/?token=one&page=2&password=two")).toEqual(["pw", "one", "two"]);
    expect(maskUrls("https://h/?token=&monkey=1")).toBe("https://h/?token=&monkey=1");
    expect(holdsMask(maskUrls("https://h/?a=1&token=one"))).toBe(true);
  });

  test("no text takes it long", () => {
    for (const piece of ["://a:", "?a", "&token", "?token=a&", "://a:b@", "[secret]"]) {
      const begin = performance.now();
      redactor(["secret", "oken"])(piece.repeat(50_000));
      expect(performance.now() - begin, piece).toBeLessThan(2000);
    }
  });

  test("a secret that holds another one goes as a whole", () => {
    expect(redactor(["word", "password1"])("password1 word")).toBe("[secret] [secret]");
  });
});

function htmlOf(text: string, double: string, single: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': double, "'": single };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? "");
}
