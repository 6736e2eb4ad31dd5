import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { formatPath } from "../../../src/config/path.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import { loadServices, type Service } from "../../../src/services/catalog.ts";
import { type RenderedOutput, renderService } from "../../../src/services/render.ts";
import { digest, failure, noNames, type Sections, snapshotOf } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "config-sync-env-"));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;

/** A service called `shop` with one output: `about` is what its manifest says besides path. */
async function shop(about: string, template = ""): Promise<Service> {
  const home = join(folder, `${count++}`);
  mkdirSync(join(home, "shop"), { recursive: true });
  writeFileSync(join(home, "shop/service.yaml"), `name: shop\noutputs: [{ path: shop.env, ${about} }]\n`);
  writeFileSync(join(home, "shop/env.hbs"), template);
  const [service] = await loadServices(home, ["shop"]);
  if (service === undefined) throw new Error("not loaded");
  return service;
}

const plain = "format: env:compose, environment: true, merge: true";

function render(service: Service, sections: Sections) {
  return renderService(service, { snapshot: snapshotOf(sections), names: noNames, folder: "/work", digest });
}

async function outputOf(service: Service, sections: Sections): Promise<RenderedOutput> {
  const [output] = render(service, sections).outputs;
  if (output === undefined) throw new Error("no output");
  return output;
}

const valuesIn = ({ format, text }: RenderedOutput) =>
  Object.fromEntries(format.read(text).map(({ path, value }) => [formatPath(path), value]));

const config: Sections = {
  mail: { host: "smtp.example.com", port: "25", password: "s3cret", "from-name": "Our shop" },
};

describe("the environment of a service", () => {
  test("is its own variables and what is mapped from the configuration", async () => {
    const output = await outputOf(await shop(plain), {
      ...config,
      environment: { TZ: "Europe/Berlin" },
      mappings: { MAIL_HOST: "mail.host", MAIL_URL: `smtp://\${mail.host}:\${mail.port}/$$1` },
    });
    expect(valuesIn(output)).toEqual({
      TZ: "Europe/Berlin",
      MAIL_HOST: "smtp.example.com",
      MAIL_URL: "smtp://smtp.example.com:25/$1",
    });
  });

  test("is written behind what the template writes", async () => {
    const service = await shop("format: env:dotenv, environment: true, template: env.hbs", "# ours\nA={{mail.port}}");
    const output = await outputOf(service, { ...config, environment: { DB_PASSWORD: "p", TZ: "UTC" } });
    expect(output.text).toBe("# ours\nA=25\nDB_PASSWORD=p\nTZ=UTC\n");
    expect(output.maskedText).toMatch(/^# ours\nA=25\nDB_PASSWORD='?\[secret .{4}\]'?\nTZ=UTC\n$/);
    expect([...output.secretFields]).toEqual(["DB_PASSWORD"]);
  });

  test("knows what is for this service alone, which counts more than what is for all", async () => {
    const output = await outputOf(await shop(plain), {
      ...config,
      "environment:shop": { A: "shop" },
      environment: { A: "all", B: "all", C: "all" },
      "mappings:shop": { B: "mail.port" },
      "environment:other": { C: "other", D: "other" },
    });
    expect(valuesIn(output)).toEqual({ A: "shop", B: "25", C: "all" });
  });

  test("takes a whole section by a star, and a name that is written out before that", async () => {
    const output = await outputOf(await shop(plain), {
      ...config,
      environment: { SMTP_PORT: "587" },
      mappings: { "SMTP_*": "mail.*" },
    });
    expect(valuesIn(output)).toEqual({
      SMTP_PORT: "587",
      SMTP_HOST: "smtp.example.com",
      SMTP_PASSWORD: "s3cret",
      SMTP_FROM_NAME: "Our shop",
    });
    expect(output.maskedText).not.toContain("s3cret");
  });

  test("takes a name that is written out where two stars disagree, wherever it stands", async () => {
    const output = await outputOf(await shop(plain), {
      two: { from_name: "x" },
      ...config,
      mappings: { "*": "two.*", "FROM_*": "one.*", FROM_NAME: "mail.host" },
      one: { name: "y" },
    });
    expect(valuesIn(output)).toEqual({ FROM_NAME: "smtp.example.com" });
  });

  test("says which keys are in it, and hears of the next one", async () => {
    const service = await shop(plain);
    const rendered = render(service, { ...config, environment: { TZ: "UTC" }, "mappings:shop": { "M_*": "web.*" } });
    expect(rendered.outputs[0]?.used).toEqual(["environment.TZ"]);
    expect(rendered.outputs[0]?.environment).toEqual([{ name: "TZ", definition: "environment.TZ" }]);
    for (const section of ["environment", "environment:shop", "mappings", "mappings:shop", "web"])
      expect(rendered.used).toContain(section);
    const mapped = render(service, { ...config, mappings: { H: "mail.host" } });
    expect(mapped.outputs[0]?.used).toEqual(["mappings.H", "mail.host"]);
  });

  test("hides a value whose variable has a telling name", async () => {
    const output = await outputOf(await shop(plain), { ...config, mappings: { API_TOKEN: "mail.host" } });
    expect(output.maskedText).not.toContain("smtp.example.com");
    expect([...output.secretFields]).toEqual(["API_TOKEN"]);
  });

  test("can be taken over from the file, into the key that it comes from", async () => {
    const output = await outputOf(await shop(`${plain}, drift: adopt`), {
      ...config,
      environment: { TZ: "UTC" },
      mappings: { H: "mail.host", U: `http://\${mail.host}` },
    });
    expect([...output.origins]).toEqual([
      ["TZ", "environment.TZ"],
      ["H", "mail.host"],
    ]);
  });

  test("is not what another source has in a section of that name", async () => {
    const { entries, ...rest } = snapshotOf({ environment: { tz: "UTC" }, mappings: { a: "no mapping" } });
    const plainEntries = [...entries].map(([key, entry]) => [key, { ...entry, isEnvironment: undefined }] as const);
    const inputs = { snapshot: { ...rest, entries: new Map(plainEntries) }, names: noNames, folder: "/work", digest };
    expect(renderService(await shop(plain), inputs).outputs[0]?.text).toBe("");
  });

  test("is nothing to write where nothing is given", async () => {
    expect((await outputOf(await shop(plain), config)).text).toBe("");
  });
});

describe("a variable is refused, with its key,", () => {
  test.each([
    [
      "where nothing gives what it is mapped from",
      plain,
      { mappings: { A: "mail.hots" } },
      "VALUE_MISSING",
      "mappings.A",
    ],
    ["where two keys become it", plain, { mappings: { "A_*": "mail.*", "*": "two.*" } }, "VALUE_INVALID", "mappings.*"],
    ["by a name that its reader has not", plain, { environment: { "A+B": "x" } }, "VALUE_INVALID", "environment.A+B"],
    [
      "by a name that dotenv loses",
      plain.replace("compose", "dotenv"),
      { environment: { Ä: "x" } },
      "VALUE_INVALID",
      "environment.Ä",
    ],
    [
      "by a name that the service keeps for itself",
      "format: env:compose, environment: { reserved: ['COMPOSE_*'] }",
      { environment: { COMPOSE_FILE: "x" } },
      "VALUE_INVALID",
      "environment.COMPOSE_FILE",
    ],
    [
      "by a name that the template writes",
      "format: env:compose, environment: true, template: env.hbs",
      { mappings: { T: "mail.host" } },
      "VALUE_INVALID",
      "mappings.T",
    ],
    [
      "by a value that its reader cannot hold",
      plain.replace("compose", "raw"),
      { environment: { A: "x\ny" } },
      "UNREPRESENTABLE",
      "environment.A",
    ],
  ] as const)("%s", async (_, about, sections, code, key) => {
    const two = { a_host: "x", b: "y" };
    const service = await shop(about, "T=x\n");
    const error = await failure(() => render(service, { ...config, two, ...(sections as unknown as Sections) }));
    expect(error).toMatchObject({ code, key, place: {} });
  });

  test("and another service goes without it by the name of one", async () => {
    const service = await shop("format: env:compose, environment: { reserved: [PATH] }");
    expect(valuesIn(await outputOf(service, { "environment:other": { PATH: "/bin" } }))).toEqual({});
  });
});

describe("a manifest", () => {
  test.each([
    ["an output of nothing", "format: env:compose", /made of/],
    ["an environment in a format without one", "format: json, environment: true", /cannot be written as json/],
  ])("is refused with %s", async (_, about, message) => {
    expect(await failure(() => shop(about))).toMatchObject({
      code: "MANIFEST_INVALID",
      message: expect.stringMatching(message),
      place: { line: 2 },
    });
  });
});

describe("any value", () => {
  test.each(["env:compose", "env:dotenv", "env:raw"])("goes through %s and back, or is refused", async (name) => {
    const service = await shop(`format: ${name}, environment: true`);
    const format = await loadFormat(name);
    const letters = fc.constantFrom(..." '\"`#;=$\\{}\n\r\tnrAB%é\u2028");
    const value = fc.oneof(fc.string({ unit: letters, maxLength: 12 }), fc.string({ unit: "grapheme" }));
    const names = fc.constantFrom("A", "DB_PASSWORD", "Z9", "_");
    let written = 0;
    fc.assert(
      fc.property(fc.dictionary(names, value, { noNullPrototype: true }), (environment) => {
        let text = "";
        try {
          text = render(service, { environment }).outputs[0]?.text ?? "";
        } catch (error) {
          expect(error).toMatchObject({ code: "UNREPRESENTABLE" });
          return;
        }
        written++;
        expect(Object.fromEntries(format.read(text).map(({ path, value }) => [path[0], value]))).toEqual(environment);
      }),
      { numRuns: 500 },
    );
    expect(written).toBeGreaterThan(150);
  });
});
