import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadServices } from "../../../src/services/catalog.ts";
import { findCycle } from "../../../src/services/dependencies.ts";
import { failure } from "./support.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catalog-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function put(file: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), content);
}

async function putService(
  name: string,
  about: { dependsOn?: string[]; template?: string | Buffer; output?: string } = {},
) {
  const output = about.output ?? 'path: a, format: "env:compose", template: a.hbs';
  await put(
    `${name}/service.yaml`,
    `name: ${name}\ndepends_on: [${about.dependsOn ?? ""}]\noutputs: [{ ${output} }]\n`,
  );
  await put(`${name}/a.hbs`, about.template ?? "A={{a.x}}\n");
}

describe("loading services", () => {
  it("gives them in the order of the settings, with their warnings", async () => {
    await putService("b");
    await putService("a", { template: "A={{{a.x}}}\n" });
    const services = await loadServices(folder, ["b", "a"]);
    expect(services.map(({ name }) => name)).toEqual(["b", "a"]);
    expect(services.map(({ warnings }) => warnings.length)).toEqual([0, 1]);
    expect(services[1]?.warnings[0]?.place).toEqual({ file: join(folder, "a/a.hbs"), line: 1, column: 3 });
  });

  it("ignores a dependency on a service that is not enabled", async () => {
    await putService("a", { dependsOn: ["elsewhere"] });
    expect(await loadServices(folder, ["a"])).toHaveLength(1);
  });

  it("names the circle when services depend on each other", async () => {
    await putService("a", { dependsOn: ["b"] });
    await putService("b", { dependsOn: ["c"] });
    await putService("c", { dependsOn: ["b"] });
    const error = await failure(() => loadServices(folder, ["a", "b", "c"]));
    expect(error).toMatchObject({ code: "MANIFEST_INVALID", place: { file: join(folder, "b/service.yaml"), line: 2 } });
    expect(error.message).toContain("b -> c -> b");
  });

  const refused: readonly [string, () => Promise<void>, string[], object, RegExp][] = [
    ["a service that is not there", async () => {}, ["a"], { code: "NOT_FOUND" }, /"a"/],
    [
      "a template that is not there",
      () => putService("a", { output: "path: a, format: text, template: b.hbs" }),
      ["a"],
      { code: "NOT_FOUND" },
      /no such file/,
    ],
    [
      "a template that is a folder",
      () =>
        put("a/a.hbs/x", "").then(() =>
          put("a/service.yaml", "name: a\noutputs: [{ path: a, format: text, template: a.hbs }]"),
        ),
      ["a"],
      { code: "TEMPLATE_INVALID" },
      /is a folder, not a regular file/,
    ],
    [
      "a binary manifest",
      () => put("a/service.yaml", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe])),
      ["a"],
      { code: "MANIFEST_INVALID" },
      /UTF-8/,
    ],
    [
      "a manifest with a NUL",
      () => put("a/service.yaml", "name: a\0"),
      ["a"],
      { code: "MANIFEST_INVALID" },
      /text file/,
    ],
    [
      "a huge manifest",
      () => put("a/service.yaml", `# ${"x".repeat(1024 * 1024)}`),
      ["a"],
      { code: "MANIFEST_INVALID" },
      /1 MiB/,
    ],
    [
      "a huge template",
      () => putService("a", { template: "x".repeat(1024 * 1024 + 1) }),
      ["a"],
      { code: "TEMPLATE_INVALID" },
      /1 MiB/,
    ],
    [
      "a binary template",
      () => putService("a", { template: Buffer.from([0xff, 0xfe, 0x00]) }),
      ["a"],
      { code: "TEMPLATE_INVALID" },
      /UTF-8/,
    ],
    [
      "a template with a mistake",
      () => putService("a", { template: "\n{{#if}}{{/if}}" }),
      ["a"],
      { code: "TEMPLATE_INVALID", place: { line: 2 } },
      /exactly one/,
    ],
    [
      "merge into a format without keys",
      () => putService("a", { output: "path: a, format: text, template: a.hbs, merge: true" }),
      ["a"],
      { code: "MANIFEST_INVALID", place: { line: 3 } },
      /no keys/,
    ],
    [
      "a mistake in a manifest's own template",
      () => putService("a", { output: 'path: "{{paths.x", format: text, template: a.hbs' }),
      ["a"],
      { code: "TEMPLATE_INVALID" },
      /template/,
    ],
  ];
  it.each(refused)("refuses %s", async (_, prepare, names, expected, message) => {
    await prepare();
    const error = await failure(() => loadServices(folder, names));
    const { place, ...rest } = expected as { place?: object };
    expect(error).toMatchObject({ ...rest, ...(place && { place }) });
    expect(error.message).toMatch(message);
    if (error.code !== "SETTINGS_INVALID") expect(error.place.file).toContain(folder);
  });

  it("refuses a template of blocks without end in good time", async () => {
    await putService("a", { template: "{{#if a.x}}".repeat(50_000) });
    expect((await failure(() => loadServices(folder, ["a"]))).code).toBe("TEMPLATE_INVALID");
  });
});

describe("circles", () => {
  const graph = (edges: Record<string, string[]>) =>
    Object.entries(edges).map(([name, dependsOn]) => ({ name, dependsOn }));

  it.each([
    [{ a: ["a"] }, ["a", "a"]],
    [{ a: ["b"], b: ["a"] }, ["a", "b", "a"]],
    [{ a: ["b", "c"], b: ["c"], c: [] }, undefined],
    [{ a: ["nowhere"] }, undefined],
    [{}, undefined],
  ] as [Record<string, string[]>, string[] | undefined][])("%j", (edges, cycle) => {
    expect(findCycle(graph(edges))).toEqual(cycle);
  });

  it("are looked for in long chains, too", () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => ({ name: `s${i}`, dependsOn: [`s${i + 1}`] }));
    expect(findCycle(chain)).toBeUndefined();
  });
});
