import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestOf, idOf, isDigestOf, keyKind, makeId, makeTicket, refreshKind } from "../../../src/access/tickets.ts";

describe.each([
  ["key", keyKind, refreshKind, /^csk_[0-9a-f]{8}_[\w-]{43}$/],
  ["refresh token", refreshKind, keyKind, /^csr_[0-9a-f]{32}_[\w-]{43}$/],
])("a %s", (_, kind, other, form) => {
  test("says what it is, and which one it is", () => {
    for (let round = 0; round < 200; round++) {
      const id = makeId(kind);
      const ticket = makeTicket(kind, id);
      expect(ticket).toMatch(form);
      expect(idOf(kind, ticket)).toBe(id);
      expect(idOf(other, ticket)).toBeUndefined();
    }
  });

  test("is another one each time", () => {
    const made = Array.from({ length: 1000 }, () => makeTicket(kind, makeId(kind)));
    expect(new Set(made).size).toBe(1000);
  });

  test("is recognised by its digest, and no other text is", () => {
    const ticket = makeTicket(kind, makeId(kind));
    const digest = digestOf(ticket);
    expect(isDigestOf(ticket, digest)).toBe(true);
    const position = fc.nat(ticket.length - 1);
    fc.assert(
      fc.property(position, fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(ticket[at] !== character);
        const changed = ticket.slice(0, at) + character + ticket.slice(at + 1);
        return !isDigestOf(changed, digest);
      }),
    );
    expect(isDigestOf(ticket, "")).toBe(false);
    expect(isDigestOf(ticket, digest.slice(2))).toBe(false);
  });

  test("is nothing else that looks alike, however it is made", () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.constantFrom("csk_", "csk__", "csk_1a2b3c4d_", `csk_1a2b3c4d_${"_".repeat(42)}`, "x".repeat(1_000_000)),
    );
    fc.assert(fc.property(hostile, (text) => idOf(kind, text) === undefined));
  });
});
