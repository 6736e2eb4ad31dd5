import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { apiSchema } from "../../src/api/api-settings.ts";
import type { Command } from "../../src/cli/command.ts";
import { errorTable } from "../../src/errors.ts";
import { formatNames } from "../../src/formats/index.ts";
import { historySchema } from "../../src/history/index.ts";
import { probes } from "../../src/probe/index.ts";
import { reloads } from "../../src/reload/index.ts";
import { helpers } from "../../src/services/helpers.ts";
import { sourceSchema } from "../../src/sources/index.ts";

/** The pages against the code, both ways: what is there is told, and what is told is there. */
const root = path.join(import.meta.dirname, "../..");
const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...listPages("docs")];
const commands = await loadCommands();

describe("docs/errors.md", () => {
  it("has each error code once, with its meaning, whether a retry can help, and its status", () => {
    const told = tableRows(read("docs/errors.md"), "code").map((cells) => cells.slice(0, 4));
    const known = Object.entries(errorTable).map(([code, { meaning, retryable, status }]) => {
      return [`\`${code}\``, meaning, retryable ? "yes" : "no", `${status}`];
    });
    expect(told).toEqual(known);
  });
});

describe("docs/settings.md", () => {
  it("has each key of the settings once", () => {
    const told = tableRows(read("docs/settings.md"), "key").map(([key = ""]) => key.replaceAll("`", ""));
    const sources = fieldsOf(sourceSchema).map((field) => `sources[].${field}`);
    const api = fieldsOf(apiSchema).map((field) => `api.${field}`);
    const history = fieldsOf(historySchema).map((field) => `history.${field}`);
    const own = settingsKeys().filter((key) => key !== "api" && key !== "history");
    expect(told.toSorted()).toEqual([...own, ...sources, ...api, ...history].sort());
  });
});

describe("docs/services.md", () => {
  const page = read("docs/services.md");

  it("has each format once", () => {
    const told = tableRows(page, "format").map(([name = ""]) => name.replaceAll("`", ""));
    expect(told).toEqual(formatNames);
  });

  it("has each helper of the templates", () => {
    const told = tableRows(page, "helper").flatMap(([names = ""]) => names.replaceAll("`", "").split(", "));
    expect(told.toSorted()).toEqual([...helpers.keys()].sort());
  });

  it.each([
    ["reload", reloads],
    ["probe", probes],
  ])("has each kind of %s", (room, kinds) => {
    const told = [...page.matchAll(new RegExp(`^#### ${room}: \`(.*)\`$`, "gm"))].map(([, kind]) => kind);
    expect(told.toSorted()).toEqual(kinds.map(({ kind }) => kind).sort());
  });

  const kinds = [
    ...reloads.map(({ kind, schema }) => ["reload", kind, schema] as const),
    ...probes.map(({ kind, schema }) => ["probe", kind, schema] as const),
  ];

  it.each(kinds)("has each field of %s %s", (room, kind, schema) => {
    const section = sectionOf(page, `#### ${room}: \`${kind}\``);
    const told = new Set([...section.matchAll(/`([a-z_.]+)`/g)].map(([, word]) => word));
    expect(fieldsOf(schema).filter((field) => !told.has(field))).toEqual([]);
  });
});

describe("docs/cli.md", () => {
  const page = read("docs/cli.md");

  it("has each command once, with its argument", () => {
    const told = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading?.replaceAll("`", ""));
    const known = commands.map(({ name, argument }) => (argument === undefined ? name : `${name} ${argument}`));
    expect(told.toSorted()).toEqual(known.sort());
  });

  it.each(commands)("has the options and exit codes of $name", ({ name, argument, help, options = [] }) => {
    const section = sectionOf(page, `## ${name}${argument === undefined ? "" : ` \`${argument}\``}`);
    expect(exitCodesOf(section)).toEqual(exitCodesOf(help));
    for (const { flags } of options) expect(section).toContain(`| \`${flags}\` |`);
  });
});

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("has links that lead somewhere", () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    expect(links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(link, page))).toEqual([]);
  });

  it("shows commands that exist", () => {
    const lines = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) => block.split("\n"));
    const called = lines.flatMap((line) => /^(?:scripts\/)?config-sync (\S+)/.exec(line)?.[1] ?? []);
    expect(called.filter((name) => !commands.some((command) => command.name === name))).toEqual([]);
  });
});

function read(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

function listPages(folder: string): string[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".md")).map((name) => path.join(folder, name));
}

/** The commands are the files of src/cli that export one of their own name. */
async function loadCommands(): Promise<Command[]> {
  const names = readdirSync(path.join(root, "src/cli")).map((file) => path.basename(file, ".ts"));
  const found = await Promise.all(
    names.map(async (name) => {
      if (!read(`src/cli/${name}.ts`).includes(`export const ${name}: Command`)) return [];
      const module: Record<string, Command | undefined> = await import(`../../src/cli/${name}.ts`);
      return module[name] ?? [];
    }),
  );
  return found.flat();
}

/** The rows of all tables whose first column has this heading. */
function tableRows(page: string, heading: string): string[][] {
  const tables = page.split(/\n(?!\|)/).map((block) => block.split("\n").filter((line) => line.startsWith("|")));
  const rows = tables.map((lines) => lines.map((line) => line.split(/(?<!\\)\|/).slice(1, -1)));
  const cells = rows.map((table) => table.map((row) => row.map((cell) => cell.trim())));
  return cells.filter(([head]) => head?.[0] === heading).flatMap((table) => table.slice(2));
}

/** From a heading to the next one of the same or a higher level. */
function sectionOf(page: string, heading: string): string {
  const start = `\n${page}`.indexOf(`\n${heading}\n`);
  expect(start, `no heading "${heading}"`).toBeGreaterThanOrEqual(0);
  const level = heading.indexOf(" ");
  const [, ...rest] = page.slice(start).split("\n");
  const end = rest.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return rest.slice(0, end < 0 ? undefined : end).join("\n");
}

/** The fields of a schema, those of variants too; of objects inside it with their name and a dot. */
function fieldsOf(schema: z.ZodType): string[] {
  const walk = (node: z.core.JSONSchema.JSONSchema, prefix: string): string[] => {
    const variants = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
    const own = Object.entries(node.properties ?? {}).flatMap(([name, inner]) => {
      const field = `${prefix}${name}`;
      return [field, ...(typeof inner === "object" ? walk(inner, `${field}.`) : [])];
    });
    return [...own, ...variants.flatMap((variant) => (typeof variant === "object" ? walk(variant, prefix) : []))];
  };
  const fields = walk(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), "");
  return [...new Set(fields)];
}

/** The schema is nobody else's business and so not exported: its keys are read from the text, by their indentation. */
function settingsKeys(): string[] {
  const text = read("src/settings.ts");
  const start = text.indexOf("const schema = z.strictObject({");
  const keys: string[] = [];
  let outer = "";
  for (const line of text.slice(start, text.indexOf("\n});", start)).split("\n")) {
    const [, indent = "", key] = /^( +)(\w+):/.exec(line) ?? [];
    if (key === undefined) continue;
    if (indent.length > 2) keys.push(`${outer}.${key}`);
    else {
      outer = key;
      if (!/[({]$/.test(line)) keys.push(key);
    }
  }
  return keys;
}

function exitCodesOf(text: string): string[] {
  const sentence = /^Exit codes: ([\s\S]*?)(?:\n\n|$(?![\s\S]))/m.exec(text)?.[1] ?? "";
  return [...sentence.matchAll(/(?:^|, )(\d+)(?= )/g)].map(([, code = ""]) => code).sort();
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$|^ {4}.*$|`[^`\n]*`/gm, "");
}

function leadsSomewhere(link: string, from: string): boolean {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? from : path.join(path.dirname(from), file);
  if (!existsSync(path.join(root, target))) return false;
  return anchor === undefined || headingsOf(read(target)).includes(anchor);
}

/** As forges name them. */
function headingsOf(page: string): string[] {
  const headings = page.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
