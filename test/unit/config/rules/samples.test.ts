import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkValues } from "../../../../src/config/rules/index.ts";
import { schemaOf, snapshotOf } from "./support.ts";

describe("a password from an example", () => {
  const schema = schemaOf({});
  const found = (values: Record<string, string>) =>
    checkValues({ schema, snapshot: snapshotOf(values, ["db.password"]), advises: true });

  test.each([
    ["change-me-0815", "sample"],
    ["CHANGE_ME", "sample"],
    ["please changeme now", "sample"],
    ["your_password", "sample"],
    ["example.password", "sample"],
    ["<password>", "sample"],
    ["{{ db_password }}", "sample"],
    ["my xxxxxxxx", "sample"],
    ["0".repeat(64), "again and again"],
    ["admin", "everybody tries"],
    ["Password", "everybody tries"],
    ["123456", "everybody tries"],
  ])("%s is a warning without the password", (password, reason) => {
    const [finding, ...others] = found({ "db.password": password });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: "warning", key: "db.password", place: { line: 1 } });
    expect(finding?.message).toContain(reason);
    if (password.length > 8) expect(JSON.stringify(finding).toLowerCase()).not.toContain(password.toLowerCase());
  });

  test("that is the name of its user is a warning, whatever the case", () => {
    expect(found({ "db.user_name": "Gitea_Owner", "db.password": "gitea-owner" })).toMatchObject([
      { key: "db.password", message: expect.stringContaining("name of its user") },
    ]);
    expect(found({ "other.user_name": "gitea", "db.password": "gitea" })).toEqual([]);
  });

  test.each([
    "",
    "vast orbit candle prune",
    "exemplary",
    "unexampled",
    "todos",
    "XXX8vast0rbit",
    "https://example.com/hook",
    "Xk9#mQ2$vL5p",
  ])("%j is none", (text) => {
    expect(found({ "db.password": text, "db.user_name": "" })).toEqual([]);
  });

  test("what was made at random is hardly ever one", () => {
    const random = fc.noBias(fc.uint8Array({ minLength: 24, maxLength: 24 }));
    const many = fc.array(random, { minLength: 100, maxLength: 100 });
    // Of a million one spells a word of an example.
    fc.assert(
      fc.property(many, (all) => {
        const texts = all.map((bytes) => Buffer.from(bytes).toString("base64"));
        return texts.filter((text) => found({ "db.password": text }).length > 0).length <= 1;
      }),
      { numRuns: 10 },
    );
  });

  test("is nobody's business where only errors are asked for, or the key is no secret", () => {
    expect(checkValues({ schema, snapshot: snapshotOf({ "db.password": "admin" }, ["db.password"]) })).toEqual([]);
    expect(found({ "db.name": "change-me" })).toEqual([]);
  });
});
