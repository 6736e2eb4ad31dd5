import { describe, expect, it } from "vitest";
import { readManifest } from "../../../src/services/manifest.ts";
import { failure } from "./support.ts";

const smallest = `name: shop
outputs:
  - { path: a.env, format: "env:compose", template: a.hbs }
`;

const read = (text: string) => readManifest(text, "shop/service.yaml", "shop");

describe("a manifest", () => {
  it("needs a name and one output; the rest has defaults", () => {
    expect(read(smallest)).toMatchObject({
      name: "shop",
      description: "",
      dependsOn: [],
      outputs: [{ path: "a.env", merge: false, mode: undefined, owner: undefined, check: undefined, requires: [] }],
      reload: [],
      probes: [],
      backoff: { initial: 200, factor: 2, max: 5000, give_up: 60_000 },
      onFailure: "rollback",
    });
  });

  it("says everything that there is to say", () => {
    const manifest = read(`
name: shop
description: A shop
depends_on: [db]
outputs:
  - path: "{{paths.shop}}/.env"
    format: env:compose
    template: env.hbs
    merge: true
    mode: "0640"
    owner: "1000:1001"
    check: [shop, --check, "{{staged}}"]
    requires: ["{{paths.shop}}/cert.pem"]
reload:
  - { when: ["shop.user_*"], none: true }
  - docker: { container: "{{containers.shop}}", action: restart, timeout: 10s }
probe:
  http: { url: "{{urls.shop}}/health", expect: "{{shop.status}}" }
  tcp: { host: 127.0.0.1, port: "{{shop.port}}" }
  backoff: { initial: 1s, factor: 1.5, max: 10s, give_up: 2m }
on_failure: keep
`);
    expect(manifest).toMatchObject({
      dependsOn: ["db"],
      outputs: [{ mode: 0o640, owner: { uid: 1000, gid: 1001 }, check: ["shop", "--check", "{{staged}}"] }],
      reload: [
        { when: ["shop.user_*"], action: { kind: { kind: "none" } } },
        { when: undefined, action: { kind: { kind: "docker" }, at: ["reload", 1, "docker"] } },
      ],
      probes: [{ kind: { kind: "http" } }, { kind: { kind: "tcp" } }],
      backoff: { initial: 1000, factor: 1.5, max: 10_000, give_up: 120_000 },
      onFailure: "keep",
    });
  });
});

describe("what is no manifest is refused with its place", () => {
  const output = `outputs: [{ path: a, format: text, template: a.hbs }]\n`;
  const withOutput = (fields: string) =>
    `name: shop\noutputs:\n  - { path: a, format: text, template: a.hbs, ${fields} }\n`;
  const cases: readonly [string, string, number, RegExp][] = [
    ["nothing", "", 1, /the document/],
    ["a list", "- a\n", 1, /the document/],
    ["a text", "hello", 1, /the document/],
    ["broken YAML", "name: [shop\n", 2, /not valid YAML/],
    ["a key twice", "name: shop\nname: shop\n", 2, /not valid YAML/],
    [
      "an alias bomb",
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(20)}]\nc: [${"*b,".repeat(20)}]\n`,
      1,
      /YAML|document/,
    ],
    ["no name", output, 1, /name is missing/],
    ["another name than its folder", `name: store\n${output}`, 1, /folder is called "shop"/],
    ["a name with a path", `name: ../shop\n${output}`, 1, /name/],
    ["an unknown key", `name: shop\n${output}reloads: []\n`, 3, /no setting "reloads"/],
    ["__proto__", `name: shop\n${output}__proto__: { polluted: true }\n`, 3, /__proto__/],
    ["no outputs", "name: shop\n", 1, /outputs is missing/],
    ["an empty list of outputs", "name: shop\noutputs: []\n", 2, /at least one output/],
    ["an unknown key in an output", withOutput("fromat: x"), 3, /no setting "fromat"/],
    [
      "a format that there is not",
      `name: shop\noutputs:\n  - { path: a, format: ini:gitae, template: a.hbs }\n`,
      3,
      /no format "ini:gitae"/,
    ],
    ["a template outside of the folder", withOutput("").replace("a.hbs", "../other/a.hbs"), 3, /template/],
    ["a template by an absolute path", withOutput("").replace("a.hbs", "/etc/passwd"), 3, /template/],
    ["a hidden template", withOutput("").replace("a.hbs", ".."), 3, /template/],
    ["a mode that YAML took for a number", withOutput("mode: 0640"), 3, /mode/],
    ["a mode that is none", withOutput('mode: "0999"'), 3, /octal/],
    ["an owner by name", withOutput("owner: git"), 3, /1000:1000/],
    ["a check as a shell line", withOutput('check: "nginx -t"'), 3, /check/],
    ["merge that is no boolean", withOutput("merge: perhaps"), 3, /merge/],
    ["an unknown reload", `name: shop\n${output}reload:\n  - podman: { container: x }\n`, 4, /no kind "podman"/],
    [
      "two reloads in one rule",
      `name: shop\n${output}reload:\n  - none: true\n    command: { argv: [x] }\n`,
      4,
      /exactly one kind/,
    ],
    ["a rule without a reload", `name: shop\n${output}reload:\n  - when: ["a.b"]\n`, 4, /exactly one kind/],
    ["a reload by a shell line", `name: shop\n${output}reload:\n  - command: { argv: "rm -rf /" }\n`, 4, /argv/],
    [
      "an unknown setting of a reload",
      `name: shop\n${output}reload:\n  - docker: { container: x, action: restart, tiemout: 1s }\n`,
      4,
      /tiemout/,
    ],
    ["an unknown probe", `name: shop\n${output}probe: { ping: {} }\n`, 3, /no kind "ping"/],
    ["a duration without a unit", `name: shop\n${output}probe: { backoff: { max: 5 } }\n`, 3, /max/],
    ["a backoff that shrinks", `name: shop\n${output}probe: { backoff: { initial: 9s, max: 1s } }\n`, 3, /at most max/],
    ["a failure policy that there is not", `name: shop\n${output}on_failure: panic\n`, 3, /on_failure/],
  ];
  it.each(cases)("%s", async (_, text, line, message) => {
    const error = await failure(() => read(text));
    expect(error).toMatchObject({ code: "MANIFEST_INVALID", place: { file: "shop/service.yaml", line } });
    expect(error.message).toMatch(message);
  });

  it("tells of every problem at once", async () => {
    const error = await failure(() => read(withOutput('mode: "9", owner: git')));
    expect(error.message).toMatch(/mode[\s\S]*owner/);
  });
});
