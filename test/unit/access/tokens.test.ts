import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accessLifetime, looksLikeToken, signToken, verifyToken } from "../../../src/access/tokens.ts";

const secret = "ab".repeat(32);
const now = Date.UTC(2026, 10, 21);
const claims = { user: "ann", generation: "0011223344556677", login: "00".repeat(16) };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token as anybody can put one together. */
function forge(header: object, payload: object, key: string = secret, hash = "sha256"): string {
  const body = `${encode(header)}.${encode(payload)}`;
  return `${body}.${createHmac(hash, Buffer.from(key, "hex")).update(body).digest("base64url")}`;
}

const header = { alg: "HS256", typ: "JWT" };
const seconds = now / 1000;
const payload = {
  generation: claims.generation,
  sid: claims.login,
  iss: "config-sync",
  aud: "config-sync-api",
  sub: "ann",
  jti: "1",
  iat: seconds,
  exp: seconds + accessLifetime,
};

describe("a token", () => {
  test("says what it was made for, until it is over", async () => {
    const token = await signToken(claims, secret, now);
    expect(looksLikeToken(token)).toBe(true);
    expect(await verifyToken(token, secret, now)).toEqual(claims);
    expect(await verifyToken(token, secret, now + (accessLifetime - 1) * 1000)).toEqual(claims);
    expect(await verifyToken(token, secret, now + (accessLifetime + 10) * 1000)).toBe("over");
  });

  test("holds no right: the role is looked up", async () => {
    const [, body = ""] = (await signToken(claims, secret, now)).split(".");
    const said = JSON.parse(Buffer.from(body, "base64url").toString());
    expect(Object.keys(said).sort()).toEqual(["aud", "exp", "generation", "iat", "iss", "jti", "sid", "sub"]);
  });

  test("is another one each time", async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => signToken(claims, secret, now)));
    expect(new Set(tokens).size).toBe(20);
  });

  test("of the future is not taken where the clock was set back, but the odd second is", async () => {
    const token = await signToken(claims, secret, now);
    expect(await verifyToken(token, secret, now - 3000)).toEqual(claims);
    expect(await verifyToken(token, secret, now - 60_000)).toBe("over");
  });
});

describe("not taken is a token", () => {
  test("the one that the others are made from is taken", async () => {
    expect(await verifyToken(forge(header, payload), secret, now)).toEqual(claims);
  });

  const without = (field: string) => Object.fromEntries(Object.entries(payload).filter(([name]) => name !== field));
  const unsigned = (alg: string) => `${encode({ ...header, alg })}.${encode(payload)}.`;

  test.each<[what: string, token: string]>([
    ["of another secret", forge(header, payload, "cd".repeat(32))],
    ["of an empty secret", forge(header, payload, "")],
    ["with alg none", unsigned("none")],
    ["with alg None", unsigned("None")],
    ["with alg none and a signature", forge({ ...header, alg: "none" }, payload)],
    ["with alg HS256 and no signature", unsigned("HS256")],
    ["of another HMAC", forge({ ...header, alg: "HS512" }, payload, secret, "sha512")],
    ["that says RS256", forge({ ...header, alg: "RS256" }, payload)],
    ["that brings its own key", forge({ ...header, jwk: { kty: "oct", k: "AAAA" } }, payload, "00".repeat(32))],
    ["with a critical extension that is not known", forge({ ...header, crit: ["x"], x: 1 }, payload)],
    ["of another audience", forge(header, { ...payload, aud: "somebody-else" })],
    ["without an audience", forge(header, without("aud"))],
    ["of another issuer", forge(header, { ...payload, iss: "somebody-else" })],
    ["of another type", forge({ ...header, typ: "refresh" }, payload)],
    ["without a user", forge(header, without("sub"))],
    ["without an end", forge(header, without("exp"))],
    ["without a beginning", forge(header, without("iat"))],
    ["without an id", forge(header, without("jti"))],
    ["without a login", forge(header, without("sid"))],
    ["without a generation", forge(header, without("generation"))],
    ["that lives for a year", forge(header, { ...payload, iat: seconds - 3600, exp: seconds + 31_536_000 })],
    ["that is over", forge(header, { ...payload, exp: seconds - 60 })],
    ["whose end is no number", forge(header, { ...payload, exp: "never" })],
    ["that begins later", forge(header, { ...payload, nbf: seconds + 60 })],
    ["whose user is no text", forge(header, { ...payload, sub: ["ann"] })],
  ])("%s", async (_, token) => {
    expect([undefined, "over"]).toContain(await verifyToken(token, secret, now));
  });

  test("in which any character was changed", async () => {
    const token = await signToken(claims, secret, now);
    const change = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(..."ABCabc019-_."));
    await fc.assert(
      fc.asyncProperty(change, async ([at, character]) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        // The last character of 32 bytes in base64url has two bits that mean nothing.
        fc.pre(Buffer.compare(Buffer.from(changed, "base64url"), Buffer.from(token, "base64url")) !== 0);
        fc.pre(at < token.length - 1);
        fc.pre(changed !== token);
        return (await verifyToken(changed, secret, now)) === undefined;
      }),
    );
  });

  test("that is no token at all, however it is made", async () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join(".")),
      fc.json().map((text) => `${Buffer.from(text).toString("base64url")}.e30.e30`),
      fc.constantFrom("..", "a.b.c", `${"a".repeat(2_000_000)}.b.c`),
    );
    await fc.assert(fc.asyncProperty(hostile, async (text) => (await verifyToken(text, secret, now)) === undefined));
  });
});
