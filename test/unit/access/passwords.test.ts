import { describe, expect, test } from "vitest";
import { checkStrength, createPasswords } from "../../../src/access/passwords.ts";
import { cheap, codeOf, goodPassword, thrownBy } from "./bed.ts";

describe("a password", () => {
  const passwords = createPasswords(cheap);

  test("is recognised, and nothing else", async () => {
    const record = await passwords.hash(goodPassword);
    expect(await passwords.verify(goodPassword, record)).toBe(true);
    for (const wrong of ["", goodPassword.slice(1), `${goodPassword} `, goodPassword.toUpperCase()])
      expect(await passwords.verify(wrong, record)).toBe(false);
  });

  test("is kept with a salt of its own and its cost, and not as it is", async () => {
    const [one, two] = await Promise.all([passwords.hash(goodPassword), passwords.hash(goodPassword)]);
    expect(one).toMatchObject({ algorithm: "scrypt", ...cheap });
    expect(one.salt).not.toBe(two.salt);
    expect(one.hash).not.toBe(two.hash);
    expect(JSON.stringify(one)).not.toContain(goodPassword);
  });

  test("is the same however its characters were put together", async () => {
    const record = await passwords.hash("Caf\u00e9 ohne Milch und Zucker");
    expect(await passwords.verify("Cafe\u0301 ohne Milch und Zucker", record)).toBe(true);
  });

  test("of nobody is wrong, also the one whose hash nobody has", async () => {
    expect(await passwords.verify(goodPassword, undefined)).toBe(false);
  });

  test("is outdated where it cost less than today, in memory or in time", async () => {
    const record = await createPasswords({ N: 128, r: 8, p: 2 }).hash(goodPassword);
    const isOutdated = (cost: typeof cheap) => createPasswords(cost).isOutdated(record);
    expect(isOutdated({ N: 128, r: 8, p: 2 })).toBe(false);
    expect(isOutdated({ N: 64, r: 8, p: 1 })).toBe(false);
    expect(isOutdated({ N: 256, r: 8, p: 1 })).toBe(true);
    expect(isOutdated({ N: 128, r: 8, p: 3 })).toBe(true);
  });

  test("takes as long for nobody as for somebody", async () => {
    const costly = createPasswords({ N: 2 ** 14, r: 8, p: 1 });
    const record = await costly.hash(goodPassword);
    const measure = async (of: typeof record | undefined): Promise<number> => {
      const times: number[] = [];
      for (let round = 0; round < 5; round++) {
        const begin = performance.now();
        await costly.verify("wrong", of);
        times.push(performance.now() - begin);
      }
      return Math.min(...times);
    };
    const [known, unknown] = [await measure(record), await measure(undefined)];
    expect(unknown / known).toBeGreaterThan(0.2);
    expect(unknown / known).toBeLessThan(5);
  });
});

describe("a flood", () => {
  test("is answered at once where too many wait, and the others get their turn", async () => {
    const passwords = createPasswords(cheap);
    const record = await passwords.hash(goodPassword);
    const answers = await Promise.allSettled(Array.from({ length: 500 }, () => passwords.verify(goodPassword, record)));
    const refused = answers.filter(({ status }) => status === "rejected");
    expect(answers.length - refused.length).toBe(18);
    expect(refused[0]).toMatchObject({ reason: { code: "TOO_MANY_REQUESTS", retryAfter: 3 } });
    expect(await passwords.verify(goodPassword, record)).toBe(true);
  });
});

describe("a new password", () => {
  test.each([
    "correct horse battery",
    "x9$Kq!m2#vL7",
    "пароль из слов и ещё слов",
    "annabel lee by the sea",
    "🦊🦉🐢🐝🐙🦎🐍🦀🐳🐫🦒🦔",
  ])("%j is taken", (password) => {
    checkStrength("ann", password);
  });

  test.each([
    ["short", "x9$Kq!m2#vL", "has less than 12 characters"],
    ["empty", "", "has less than 12 characters"],
    ["endless", "ab cd ef gh ".repeat(30), "has more than 256 characters"],
    ["monotonous", "abababababababab", "has less than six different characters"],
    ["a row", "abcdefghijklmnop", "is a row of characters"],
    ["digits in a row", "123456789:;<=", "is a row of characters"],
    ["the name", "administrator1", "is little more than the name"],
  ])("that is %s is refused, and not repeated", async (_, password, why) => {
    const error = await thrownBy(Promise.resolve().then(() => checkStrength("Administrator", password)));
    expect(error).toMatchObject({ code: "VALUE_INVALID", message: expect.stringContaining(why) });
    if (password !== "") expect(error.toText()).not.toContain(password);
  });

  test("is checked before it is hashed", async () => {
    expect(await codeOf(Promise.resolve().then(() => checkStrength("ann", "x".repeat(10_000_000))))).toBe(
      "VALUE_INVALID",
    );
  });
});
