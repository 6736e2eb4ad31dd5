import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCommit, parseCommit } from "../../../src/history/git/commit.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("\n", " ", "<", ">", "\0", "a", ":", "\r", "Revision: x/1", "Time: ", '"', "\ud800"),
  }),
);
const name = fc.constantFrom("config.ini", "system.ini", "é", "a b", "Z");

/** As git stores what it is given: the header, a blank line, the message. */
function stored({ author, message }: { author: string; message: string }): Buffer {
  return Buffer.from(`tree 0\nparent 0\nauthor ${author}\ncommitter config-sync <> 0 +0000\n\n${message}`);
}

describe("a revision as a commit", () => {
  it("comes back with everything that was said of it", () => {
    const infos = fc.record({
      number: fc.integer({ min: 1, max: 1e6 }),
      author: text,
      at: fc.integer({ min: 0, max: 8.64e15 }),
      message: text,
      hash: fc.stringMatching(/^[0-9a-f]{0,64}$/),
    });
    fc.assert(
      fc.property(infos, fc.uniqueArray(name), (given, names) => {
        const info = { ...given, parent: given.number === 1 ? null : given.number - 1 };
        const entries = names.map((each) => ({ name: each, id: "0".repeat(40) }));
        const parsed = parseCommit(stored(formatCommit("an app", { info, entries })));
        expect(parsed).toMatchObject({ app: "an app", number: info.number, info });
        if (parsed?.order !== undefined) expect(parsed.order).toEqual(names);
      }),
    );
  });

  it("has an author and a message that git can hold", () => {
    fc.assert(
      fc.property(text, text, (author, message) => {
        const info = { number: 1, parent: null, author, at: 1500, message, hash: "" };
        const commit = formatCommit("app", { info, entries: [] });
        expect(commit.author).toMatch(/^[^<>\n\0]*[^<>\n\0\s] <> 1 \+0000$/);
        expect(commit.message).not.toContain("\0");
        expect(commit.message.isWellFormed()).toBe(true);
        expect(commit.message.trimStart()).not.toMatch(/^Revision: app/);
      }),
    );
  });

  it("of somebody else is none of ours", () => {
    for (const message of ["", "fix\n", "fix\n\nRevision: x\n", "fix\n\nRevision: app/0x1\n", "Revision: app/1\n"]) {
      expect(parseCommit(stored({ author: "Bob <bob@example.com> 0 +0000", message }))).toBeUndefined();
    }
  });
});
