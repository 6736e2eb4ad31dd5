import { describe, expect, it } from "vitest";
import { defaultHistory, historySchema, openHistory } from "../../../src/history/index.ts";

describe("history in the settings", () => {
  it.each([
    [{}],
    [{ memory: true }],
    [{ git: {} }],
    [{ git: null }],
    [{ git: { folder: "elsewhere" } }],
    [{ git: { push: { url: "https://alice:secret@example.com/config.git" } } }],
    [{ git: { push: { url: "git@example.com:config.git", branch: "main" } } }],
  ])("may be %j", (written) => {
    expect(historySchema.safeParse(written).success).toBe(true);
  });

  it.each([
    [{ memory: false }],
    [{ git: { folder: "" } }],
    [{ git: { push: {} } }],
    [{ git: { push: { url: "--upload-pack=evil" } } }],
    [{ git: { push: { url: "https://example.com/\nx" } } }],
    [{ git: { push: { url: "https://example.com", branch: "-d" } } }],
    [{ git: {}, memory: true }],
    [{ svn: {} }],
  ])("is not %j", (written) => {
    expect(historySchema.safeParse(written).success).toBe(false);
  });

  it("is a repository in the state folder where nothing is said, and ends with the process where memory is asked for", async () => {
    expect(historySchema.parse(defaultHistory)).toEqual({ git: {} });
    const history = await openHistory({ memory: true }, { folder: "/", state: "/nowhere", tell: () => undefined });
    expect(await history.apps()).toEqual([]);
  });
});
