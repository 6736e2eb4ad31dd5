import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkValues } from "../../../../src/config/rules/index.ts";
import { loadStrength } from "../../../../src/config/strength.ts";
import { schemaOf, snapshotOf } from "./support.ts";

describe("the strength of a password", async () => {
  const schema = schemaOf({ db: { password: { strength: 3 }, name: {} } });
  const strengthOf = await loadStrength();
  const found = (password: string) => {
    const snapshot = snapshotOf({ "db.name": "password", "db.password": password }, ["db.password"]);
    return checkValues({ schema, snapshot, strengths: new Map([["db.password", strengthOf(password)]]) });
  };

  test.each([
    ["password1", "words or passwords that are often used"],
    ["zxcvbnm,./", "keys that lie side by side"],
    ["abcabcabcabc", "repeats itself"],
    ["1990-02-03", "a date"],
    ["x9", "it is short"],
  ])("%s is a warning with the reason, and without the password", (password, reason) => {
    const [finding] = found(password);
    expect(finding).toMatchObject({ severity: "warning", key: "db.password", place: { line: 2 } });
    expect(finding?.message).toContain(reason);
    expect(JSON.stringify(finding)).not.toContain(password);
  });

  test.each(["Xk9#mQ2$vL5p", "vast orbit candle prune", ""])("%j is strong enough, or none", (password) => {
    expect(found(password)).toEqual([]);
  });

  test("is told of a text of any length and kind", () => {
    const hostile = fc.oneof(fc.string({ unit: "grapheme", maxLength: 80 }), fc.constant("a".repeat(1_000_000)));
    fc.assert(
      fc.property(hostile, (text) => [0, 1, 2, 3, 4].includes(strengthOf(text).score)),
      { numRuns: 30 },
    );
  });

  test("is nobody's business without the means to tell it", () => {
    expect(checkValues({ schema, snapshot: snapshotOf({ "db.password": "password" }) })).toEqual([]);
  });
});
