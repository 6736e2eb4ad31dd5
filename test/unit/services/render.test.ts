import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadServices, type Service } from "../../../src/services/catalog.ts";
import { findPathConflicts, type Inputs, renderService } from "../../../src/services/render.ts";
import { digest, failure, noNames, type Sections, snapshotOf } from "./support.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "render-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function load(manifest: string, template = "A={{a.x}}\n", name = "shop"): Promise<Service> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, "service.yaml"), `name: ${name}\n${manifest}`);
  await writeFile(join(folder, name, "a.hbs"), template);
  const [service] = await loadServices(folder, [name]);
  if (service === undefined) throw new Error("not loaded");
  return service;
}

function inputs(sections: Sections, names: Partial<Inputs["names"]> = {}): Inputs {
  return { snapshot: snapshotOf(sections), names: { ...noNames, ...names }, folder: "/work", digest };
}

const output =
  'outputs: [{ path: "{{paths.a}}", format: "env:compose", template: a.hbs, merge: true, mode: "0640", owner: "1:2" }]\n';
const paths = { paths: { a: "services/a.env", b: "/etc/b.env" } };

describe("rendering a service", () => {
  it("gives the engine everything it needs", async () => {
    const service = await load(
      `${output}reload:
  - { when: ["a.user_*"], none: true }
  - http: { url: "http://{{a.host}}/reload", json: { password: "{{a.pwd}}" } }
probe:
  tcp: { host: "{{a.host}}", port: "{{a.port}}" }
`,
      "A={{a.x}}\nP={{a.pwd}}\n{{#if a.off}}B={{a.off}}{{/if}}\n",
    );
    const rendered = renderService(service, inputs({ a: { x: "1", pwd: "s3cret", host: "h", port: "80" } }, paths));
    expect(rendered).toMatchObject({
      name: "shop",
      dependsOn: [],
      onFailure: "rollback",
      backoff: { give_up: 60_000 },
      used: ["a.x", "a.pwd", "a.off", "a.host", "a.port"],
      reload: [
        { when: ["a.user_*"], action: { kind: "none", spec: true } },
        { when: undefined, action: { kind: "http", spec: { json: { password: "s3cret" } } } },
      ],
      probes: [{ kind: "tcp", spec: { host: "h", port: 80 } }],
    });
    expect(rendered.outputs).toHaveLength(1);
    expect(rendered.outputs[0]).toMatchObject({
      path: "/work/services/a.env",
      shownPath: "services/a.env",
      text: "A=1\nP=s3cret\n\n",
      secretFields: new Set(["P"]),
      merge: true,
      mode: 0o640,
      owner: { uid: 1, gid: 2 },
      requires: [],
      used: ["a.x", "a.pwd", "a.off"],
    });
    expect(
      JSON.stringify([rendered.outputs[0]?.maskedText, rendered.reload.map(({ action }) => action.shown)]),
    ).not.toContain("s3cret");
  });

  it("shows no secret of a URL", async () => {
    const service = await load(`${output}reload: [{ http: { url: "http://u:{{a.token}}@host/x" } }]\n`);
    const rendered = renderService(service, inputs({ a: { x: "1", token: "s3cret" } }, paths));
    expect(rendered.reload[0]?.action.spec).toMatchObject({ url: "http://u:s3cret@host/x" });
    expect(rendered.reload[0]?.action.shown).not.toContain("s3cret");
  });

  it.each([
    ["a reload", `${output}reload: [{ command: { argv: [notify, "--key={{a.token}}"] } }]\n`, "reload.0.command.argv"],
    ["a probe", `${output}probe: { command: { argv: [ask, "{{lower a.token}}"] } }\n`, "probe.command.argv"],
    [
      "a command in a container",
      `${output}reload: [{ docker: { container: c, action: exec, command: [notify, "{{a.token}}"] } }]\n`,
      "reload.0.docker.command",
    ],
    [
      "a check",
      'outputs: [{ path: a, format: text, template: a.hbs, check: [test, "{{a.token}}", "{{staged}}"] }]\n',
      "the check of a",
    ],
  ])("refuses a secret in the command line of %s", async (_, manifest, name) => {
    const service = await load(manifest);
    const given = inputs({ a: { x: "1", token: "s3cret" } }, paths);
    expect(() => renderService(service, given)).toThrow(
      `${name} takes in a secret, and everybody can read command lines`,
    );
  });

  it("gives a command its secrets by the environment", async () => {
    const service = await load(`${output}reload: [{ command: { argv: [notify], env: { KEY: "{{a.token}}" } } }]\n`);
    const rendered = renderService(service, inputs({ a: { x: "1", token: "s3cret" } }, paths));
    expect(rendered.reload[0]?.action.spec).toMatchObject({ argv: ["notify"], env: { KEY: "s3cret" } });
  });

  it("puts the staged file into the check", async () => {
    const service = await load(
      'outputs: [{ path: a, format: text, template: a.hbs, check: ["{{programs.nginx}}", -t, "-c={{staged}}"] }]\n',
    );
    const rendered = renderService(service, inputs({ a: { x: "1" } }, { programs: { nginx: "/usr/sbin/nginx" } }));
    expect(rendered.outputs[0]?.check?.("/tmp/$& x")).toEqual(["/usr/sbin/nginx", "-t", "-c=/tmp/$& x"]);
  });

  it("shows paths outside of the folder in full", async () => {
    const service = await load(output.replace("paths.a", "paths.b"));
    expect(renderService(service, inputs({ a: { x: "1" } }, paths)).outputs[0]).toMatchObject({
      path: "/etc/b.env",
      shownPath: "/etc/b.env",
    });
  });

  it("changes its fingerprint with what it renders, checks and waits for, and with nothing else", async () => {
    const probe = `probe: { tcp: { host: h, port: "{{a.port}}" } }\n`;
    const service = await load(`${output}${probe}`);
    const of = (sections: Sections) => renderService(service, inputs(sections, paths)).fingerprint;
    const first = of({ a: { x: "1", port: "1" } });
    expect(of({ a: { x: "1", port: "1", other: "2" } })).toBe(first);
    expect(of({ a: { x: "2", port: "1" } })).not.toBe(first);
    expect(of({ a: { x: "1", port: "2" } })).not.toBe(first);
    const others = [
      `${output}${probe.replace("} }", "}, backoff: { give_up: 5m } }")}`,
      `${output.replace(" }]", ", check: [nginx, -t] }]")}${probe}`,
    ];
    for (const other of others) {
      const rendered = renderService(await load(other), inputs({ a: { x: "1", port: "1" } }, paths));
      expect(rendered.fingerprint).not.toBe(first);
    }
  });

  it("refuses a spec that the filled-in value makes wrong, with its place", async () => {
    const service = await load(`${output}probe:\n  tcp: { host: h, port: "{{a.port}}" }\n`);
    const error = await failure(() => renderService(service, inputs({ a: { x: "1", port: "many" } }, paths)));
    expect(error).toMatchObject({ code: "VALUE_INVALID", place: { file: join(folder, "shop/service.yaml"), line: 4 } });
    expect(error.message).not.toContain("many");
  });

  it("refuses a path that is empty, and a name that is missing", async () => {
    const empty = await load(output.replace("paths.a", "a.path"));
    expect((await failure(() => renderService(empty, inputs({ a: { x: "1", path: " " } })))).code).toBe(
      "VALUE_INVALID",
    );
    const missing = await load(output);
    const error = await failure(() => renderService(missing, inputs({ a: { x: "1" } })));
    expect(error).toMatchObject({ code: "VALUE_MISSING", key: "paths.a" });
    expect(error.place.file).toBe(join(folder, "shop/service.yaml"));
  });
});

describe("two outputs on one path", () => {
  it("are found, within a service and between services", async () => {
    const both =
      "outputs: [{ path: x/../a, format: text, template: a.hbs }, { path: a, format: text, template: a.hbs }]\n";
    const all = inputs({ a: { x: "1" } });
    const one = renderService(await load(both), all);
    const two = renderService(await load("outputs: [{ path: b, format: text, template: a.hbs }]\n", "x", "other"), all);
    const conflicts = findPathConflicts([one, two, { ...two, name: "third" }]);
    expect(conflicts.map(({ path, services }) => [path, services])).toEqual([
      ["/work/a", ["shop", "shop"]],
      ["/work/b", ["other", "third"]],
    ]);
    expect(conflicts[1]?.error.message).toContain("other and third");
    expect(findPathConflicts([two])).toEqual([]);
  });
});
