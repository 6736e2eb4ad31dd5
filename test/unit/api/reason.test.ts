import { expect, test } from "vitest";
import { withoutGiven, withoutSecrets, withoutSecretsOf } from "../../../src/api/http/reason.ts";
import { secretPaths } from "../../../src/config/secret.ts";

const isSecret = secretPaths([]);

test("what is secret in a tree is masked, whatever it is in, and nothing else", () => {
  const value = {
    region: "eu-west",
    login: { password: { now: "s3cret-a" }, token: ["s3cret-b", 5] },
    url: "https://u:s3cret-c@h/",
  };
  const reason = "eu-west: s3cret-a to s3cret-b, not s3cret-c";
  expect(withoutSecrets(reason, [{ path: [], value }], isSecret)).toBe("eu-west: [secret] to [secret], not [secret]");
});

test("a value that is set counts by where it is set", () => {
  const edits = [
    { path: ["a", "password"], value: "s3cret-a" },
    { path: ["a", "b"], value: "plain-b" },
    { path: ["a"] },
  ];
  expect(withoutSecrets("s3cret-a, plain-b", edits, isSecret)).toBe("[secret], plain-b");
});

test("what was given is masked where it is not short, since nobody knows what it is", () => {
  expect(withoutGiven("port 3001 for s3cret-a", ["3001", { x: ["s3cret-a"] }, undefined])).toBe(
    "port 3001 for [secret]",
  );
});

test("what is secret in an app is masked; one that cannot be read keeps no reason from being given", () => {
  const revision = { number: 1, parent: null, author: "", at: 0, message: "", hash: "" };
  const current = () => ({ data: { db: { password: "s3cret-a" } }, schema: undefined, revision });
  const refuse = (): never => {
    throw new Error("unreadable");
  };
  expect(withoutSecretsOf({ current, isSecret }, "no s3cret-a")).toBe("no [secret]");
  expect(withoutSecretsOf({ current: refuse, isSecret }, "is broken")).toBe("is broken");
});
