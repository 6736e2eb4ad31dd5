import { describe, expect, test } from "vitest";
import { formatNames, loadFormat } from "../../../src/formats/index.ts";
import { nginxFormat } from "../../../src/formats/nginx.ts";
import { textFormat } from "../../../src/formats/text.ts";
import { verifyMerge } from "../../../src/formats/verify-merge.ts";
import { errorOf } from "./promises.ts";

test.each([...formatNames])("%s is loaded under its own name, with a merge exactly where it has keys", async (name) => {
  const format = await loadFormat(name);
  expect(format.name).toBe(name);
  expect(format.merge === undefined).toBe(name === "text" || name === "nginx");
});

test("an unknown format is refused with the names that there are", async () => {
  await expect(loadFormat("xml")).rejects.toMatchObject({
    code: "NOT_FOUND",
    hint: expect.stringContaining("env:compose"),
  });
});

describe("text", () => {
  test("takes any printable text and the tab", () => {
    expect(textFormat.write("a\t'\"$ # ü 💧")).toBe("a\t'\"$ # ü 💧");
    expect(textFormat.read("a = 1")).toEqual([]);
  });

  test.each(["\n", "\r", "\0", "\x1b[2J", "\x7f", "\u0085", "\ud800"])(
    "refuses %j without repeating the value",
    (character) => {
      for (const write of [textFormat.write, textFormat.writePart]) {
        const error = errorOf(() => write(`secret${character}x`));
        expect(error.code).toBe("UNREPRESENTABLE");
        expect(error.toText()).not.toContain("secret");
      }
    },
  );
});

describe("nginx", () => {
  test.each([
    ["/etc/ssl/a.pem", "/etc/ssl/a.pem"],
    ["", '""'],
    ["a b;c{d}", '"a b;c{d}"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["#x", '"#x"'],
  ])("writes %j as %s", (value, expected) => {
    expect(nginxFormat.write(value)).toBe(expected);
  });

  test.each(["$host", "a\nb", "\0", "\ud800"])("refuses %j", (value) => {
    expect(errorOf(() => nginxFormat.write(value)).code).toBe("UNREPRESENTABLE");
    expect(errorOf(() => nginxFormat.writePart(value)).code).toBe("UNREPRESENTABLE");
  });

  test("inside other text, nothing that needs quotes", () => {
    expect(nginxFormat.writePart("a.example.com")).toBe("a.example.com");
    expect(errorOf(() => nginxFormat.writePart("a b")).code).toBe("UNREPRESENTABLE");
    expect(errorOf(() => nginxFormat.writePart("a;b")).code).toBe("UNREPRESENTABLE");
  });
});

describe("verifyMerge", () => {
  const read = (text: string) =>
    text
      .split("\n")
      .filter(Boolean)
      .map((line, index) => {
        const [key = "", value = ""] = line.split("=");
        return { path: [key], value, start: 0, end: 0, line: index + 1 };
      });
  const verify = (existing: string, wanted: string, merged: string, gone: string[] = []) =>
    verifyMerge(
      read,
      { existing, wanted, merged },
      gone.map((key) => [key]),
    );

  test("accepts a merge that does what was asked", () => {
    verify("a=1\nb=2\nb=3\nc=4", "a=9\nn=1", "c=4\nb=3\nn=1\na=9");
    verify("a=1\nb=2", "a=1", "a=1", ["a", "b"]);
  });

  test.each([
    ["a=1\nb=2", "a=3", "a=3", [], "b"],
    ["a=1\nb=2", "a=3", "a=1\nb=2", [], "a"],
    ["a=1\nb=2", "a=3", "a=3\nb=x", [], "b"],
    ["a=1", "", "a=1\nz=1", [], "z"],
    ["a=1\nb=2", "", "a=1\nb=2", ["b"], "b"],
    ["b=2\nb=3", "", "b=3\nb=2", [], "b"],
  ])("refuses %j + %j = %j without %j, naming %s", (existing, wanted, merged, gone, key) => {
    expect(errorOf(() => verify(existing, wanted, merged, gone))).toMatchObject({ code: "UNREPRESENTABLE", key });
  });
});
