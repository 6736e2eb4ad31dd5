import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadFormat } from "../../../src/formats/index.ts";
import { loadCompiler } from "../../../src/services/template.ts";
import { buildTree } from "../../../src/services/tree.ts";
import { digest, failure, noNames, renderText, snapshotOf } from "./support.ts";

const gitea = { gitea: { user_name: "ada", user_pwd: "s3cret", port: "3000", empty: "" } };

describe("a template writes values by the rules of its format", () => {
  const cases: readonly [string, string, string, string, string][] = [
    ["a value alone is quoted", "json", '{"a": {{a.x}} }', 'say "hi"\n', '{"a": "say \\"hi\\"\\n" }'],
    [
      "a value inside a string is escaped in place",
      "json",
      '{"a": "<{{a.x}}>"}',
      'say "hi"',
      '{"a": "<say \\"hi\\">"}',
    ],
    ["a number loses its quotes where the format has numbers", "json", '{"a": {{number a.x}} }', "80", '{"a": 80 }'],
    ["a number stays text elsewhere", "env:compose", "A={{number a.x}}\n", "80", "A=80\n"],
    ["a boolean is written in one spelling", "json", '{"a": {{boolean a.x}} }', "Yes", '{"a": true }'],
    [
      "a list becomes its members",
      "json",
      '[{{#each (split a.x ",")}}{{#unless @first}}, {{/unless}}{{this}}{{/each}}]',
      "a, b,,c",
      '["a", "b", "c"]',
    ],
    ["concat is one value", "env:compose", 'A={{concat "http://" a.x "/"}}\n', "a b", 'A="http://a b/"\n'],
    [
      "as writes a value in a form that the format has for one place",
      "ini:supervisor",
      '[program:p]\nenvironment=A={{as "environment" a.x}},B="1"\n',
      "it's, B=2",
      '[program:p]\nenvironment=A="it\'s, B=2",B="1"\n',
    ],
    ["lower and upper", "text", "{{lower a.x}} {{upper a.x}}", "aB", "ab AB"],
    ["default stands in for what is empty", "text", '{{default a.x "none"}}', "", "none"],
    ["default stands in for what is missing", "text", '{{default a.nothing "none"}}', "x", "none"],
    ["a value beside a block still stands alone", "env:compose", "A={{#if a.x}}{{a.x}}{{/if}}\n", "p$q", 'A="p\\$q"\n'],
    ["two values side by side do not stand alone", "text", "{{a.x}}{{a.x}}", "ab", "abab"],
  ];
  it.each(cases)("%s", async (_, format, template, value, text) => {
    expect((await renderText(template, { a: { x: value } }, { format })).text).toBe(text);
  });

  it("refuses two values side by side where neither can be quoted", async () => {
    const error = await failure(() => renderText("A={{a.x}}{{a.x}}\n", { a: { x: "p$q" } }, { format: "env:compose" }));
    expect(error).toMatchObject({ code: "UNREPRESENTABLE", key: "a.x", place: { file: "t.hbs", line: 1, column: 3 } });
    expect(error.message).toContain('the value of "a.x"');
  });

  const together: readonly [string, string, string, string][] = [
    ["in a quoted text", "json", '{"a": "{{a.x}}, {{a.y}}, {{a.x}}"}', '{"a": "5, b c, 5"}'],
    ["in a quoted text", "toml", 'a = "{{a.x}}, {{a.y}}, {{a.x}}"\n', 'a = "5, b c, 5"\n'],
    ["in a list", "yaml", "a: [{{a.x}}, {{a.y}}, {{a.x}}]\n", 'a: ["5", "b c", "5"]\n'],
    ["in a mapping on one line", "yaml", "a: {x: {{a.x}}, y: {{a.y}} }\n", 'a: {x: "5", y: "b c" }\n'],
    ["behind a name that is a value", "env:compose", "{{a.z}}={{a.y}}\n", 'N="b c"\n'],
  ];
  it.each(together)("several values %s of %s each know where they stand", async (_, format, template, text) => {
    expect((await renderText(template, { a: { x: "5", y: "b c", z: "N" } }, { format })).text).toBe(text);
  });

  it("writes a long list on one line without looking through all of it for each member", async () => {
    const template = '["{{a.x}}"{{#each (split a.x)}}, "{{this}}"{{/each}}]';
    const members = Array.from({ length: 50_000 }, (_, index) => `m${index}`);
    const { text } = await renderText(template, { a: { x: members.join(",") } }, { format: "json" });
    expect(JSON.parse(text)).toEqual([members.join(","), ...members]);
  });

  it("refuses a line whose values would take minutes to place", async () => {
    const template = '{ {{#each (split a.x)}}"{{this}}": [{{this}}],{{/each}} }';
    const members = Array.from({ length: 20_000 }, (_, index) => `m${index}`).join(",");
    const error = await failure(() => renderText(template, { a: { x: members } }, { format: "json" }));
    expect(error).toMatchObject({ code: "TEMPLATE_INVALID", message: expect.stringContaining("one line") });
  });

  it("writes {{{ }}} as it is, and warns of it", async () => {
    const template = (await loadCompiler())("a\n  {{{a.x}}}", "t.hbs");
    const tree = buildTree(snapshotOf({ a: { x: "$(x)\n" } }), noNames, digest);
    expect(template.render(tree, await loadFormat("nginx")).text).toBe("a\n  $(x)\n");
    const [warning, ...more] = template.warnings;
    expect(more).toEqual([]);
    expect(warning).toMatchObject({
      place: { file: "t.hbs", line: 2, column: 3 },
      hint: expect.stringContaining("Use {{ }}"),
    });
  });
});

describe("no value breaks out of its place", () => {
  const cases: readonly [string, string, string, string][] = [
    [
      "a member of environment= into the next one",
      "ini:supervisor",
      "[p]\nenvironment=A={{a.ok}},B={{a.x}}\n",
      "1,C=2",
    ],
    ["a name into its value", "env:raw", "{{a.x}}=1\n", "A=B"],
    ["a name into its value", "env:raw", "{{a.x}}=1\n", "A="],
    ["a name into its value", "env:compose", "{{a.x}}=1\n", "A:B"],
    ["a name into its value", "ini:gitea", "[s]\n{{a.x}} = 1\n", "a=b"],
    ["a name into its value", "ini:python", "[s]\n{{a.x}} = 1\n", "a:"],
    ["a line into a name and its value", "env:raw", "{{a.x}}\n", "PATH=/evil"],
    ["a line into a section", "ini:generic", "[s]\n{{a.x}}\nk = 1\n", "[other]"],
    ["a name into a section", "ini:gitea", "[s]\n{{a.x}} = 1\nk = 2\n", "[other]"],
    ["a line of a value into a comment", "ini:python", "[s]\nk =\n  {{a.ok}}\n  {{a.x}}\n", "#pa55"],
    ["a line of a value into a comment", "ini:cockpit", "[s]\nk = {{a.ok}}\n{{a.x}}\n", "#pa55"],
  ];
  it.each(cases)("%s of %s: %j", async (_, format, template, x) => {
    const error = await failure(() => renderText(template, { a: { x, ok: "ok" } }, { format }));
    expect(error).toMatchObject({ code: "UNREPRESENTABLE", key: "a.x", place: { file: "t.hbs" } });
    expect(error.message).not.toContain(x);
  });

  it("a key of the configuration that names a key of the output", async () => {
    const template = "{{#each a}}{{@key}}={{this}}\n{{/each}}";
    expect((await renderText(template, { a: { NAME: "b=c" } }, { format: "env:raw" })).text).toBe("NAME=b=c\n");
    const error = await failure(() => renderText(template, { a: { "A=B": "c" } }, { format: "env:raw" }));
    expect(error).toMatchObject({ code: "UNREPRESENTABLE" });
  });
});

describe("conditions", () => {
  const cases: readonly [string, string][] = [
    ["{{#if gitea.user_name}}yes{{else}}no{{/if}}", "yes"],
    ["{{#if gitea.empty}}yes{{else}}no{{/if}}", "no"],
    ["{{#if gitea.nothing}}yes{{else}}no{{/if}}", "no"],
    ["{{#if nowhere.nothing}}yes{{else}}no{{/if}}", "no"],
    ["{{#unless nowhere}}yes{{/unless}}", "yes"],
    ["{{#if (eq gitea.user_name 'ada')}}yes{{else}}no{{/if}}", "yes"],
    ["{{#if (eq nowhere.a nowhere.b)}}yes{{else}}no{{/if}}", "no"],
    ["{{#if (and gitea.user_name (not gitea.empty))}}yes{{/if}}", "yes"],
    ["{{#if (or gitea.empty gitea.nothing)}}yes{{else}}no{{/if}}", "no"],
    ["{{#if (boolean 'off')}}yes{{else}}no{{/if}}", "no"],
    ["{{#if gitea.empty}}1{{else if gitea.port}}2{{else}}3{{/if}}", "2"],
    ["{{^if gitea.empty}}yes{{/if}}", "yes"],
    ["{{#with gitea}}{{user_name}}:{{../gitea.port}}:{{@root.gitea.port}}{{/with}}", "ada:3000:3000"],
    ["{{#with nowhere}}{{user_name}}{{else}}none{{/with}}", "none"],
    ["{{#with gitea as |g|}}{{g.port}}{{/with}}", "3000"],
    ["{{#each nowhere}}x{{else}}none{{/each}}", "none"],
    ["{{#each gitea as |value key|}}{{key}}={{value}};{{/each}}", "user_name=ada;user_pwd=s3cret;port=3000;empty=;"],
    ["{{#each gitea}}{{@index}}{{#if @last}}!{{/if}}{{/each}}", "0123!"],
  ];
  it.each(cases)("%s", async (template, text) => {
    expect((await renderText(template, gitea)).text).toBe(text);
  });
});

describe("names", () => {
  it("reaches sections with dots, the settings' names, and sections that these hide", async () => {
    const sections = { "log.console": { LEVEL: "Info" }, paths: { app: "mine" } };
    const template = "{{[log.console].LEVEL}} {{paths.app}} {{config.paths.app}}";
    const rendering = await renderText(template, sections, { names: { paths: { app: "/srv/app" } } });
    expect(rendering.text).toBe("Info /srv/app mine");
    expect(rendering.used).toEqual(["[log.console].LEVEL", "paths.app"]);
  });

  it("remembers every key that was asked for, missing ones too", async () => {
    const template = "{{#if gitea.off}}{{gitea.port}}{{/if}}{{default gitea.root_url gitea.user_name}}";
    expect((await renderText(template, gitea)).used).toEqual(["gitea.off", "gitea.root_url", "gitea.user_name"]);
  });

  it("uses the whole of a section that it goes through", async () => {
    expect((await renderText("{{#each gitea}}.{{/each}}", gitea)).used).toContain("gitea");
  });
});

describe("secrets", () => {
  it("show as a tag that changes with the secret, through every helper", async () => {
    const template = 'A={{upper (concat "x-" gitea.user_pwd)}}\nB={{gitea.user_name}}\n';
    const before = await renderText(template, gitea, { format: "env:compose" });
    const after = await renderText(
      template,
      { gitea: { ...gitea.gitea, user_pwd: "other" } },
      { format: "env:compose" },
    );
    expect(before.text).toContain("X-S3CRET");
    expect(before.maskedText).toContain(`[secret ${digest("s3cret").slice(0, 4)}]`);
    expect(before.maskedText).not.toMatch(/s3cret/i);
    expect(after.maskedText).not.toBe(before.maskedText);
    expect(before.secretFields.map((field) => field.path)).toEqual([["A"]]);
  });

  it("mark the field also while they are empty", async () => {
    const { secretFields } = await renderText(
      "A={{a.pwd}}\nB={{a.b}}\n",
      { a: { pwd: "", b: "" } },
      { format: "env:compose" },
    );
    expect(secretFields.map((field) => field.path)).toEqual([["A"]]);
  });

  it("can be shown wherever they can be written", async () => {
    const inPart = await renderText("A=x-{{a.pwd}}-y\n", { a: { pwd: "plain" } }, { format: "env:compose" });
    expect(inPart.maskedText).toMatch(/^A=x-\[secret [0-9a-f]{4}\]-y\n$/);
    const asNumber = await renderText('{"a": {{number a.pwd}} }', { a: { pwd: "12345" } }, { format: "json" });
    expect(asNumber.text).toBe('{"a": 12345 }');
    expect(asNumber.maskedText).toMatch(/^\{"a": "\[secret [0-9a-f]{4}\]" \}$/);
  });

  it("are in no error", async () => {
    const error = await failure(() => renderText("{{number gitea.user_pwd}}", gitea));
    expect(error.toText()).not.toContain("s3cret");
    expect(error).toMatchObject({ code: "VALUE_INVALID", key: "gitea.user_pwd", place: { line: 1, column: 1 } });
  });
});

describe("a missing value", () => {
  it("is named with its place in the template and the section to put it into", async () => {
    const error = await failure(() => renderText("a\n\n  x={{gitea.http_port}}", gitea));
    expect(error.toText()).toBe(
      't.hbs:3:5: "gitea.http_port" is needed here and no source gives it. Put http_port into section [gitea] of config.ini',
    );
    expect(error).toMatchObject({ code: "VALUE_MISSING", key: "gitea.http_port" });
  });

  it("of the settings is looked for in the settings", async () => {
    expect((await failure(() => renderText("{{paths.app}}", gitea))).hint).toBe(
      'Put app into "paths" in config-sync.yaml',
    );
  });

  it.each([
    "{{concat gitea.nope 'x'}}",
    "{{lower gitea.nope}}",
    "{{#each (split gitea.nope)}}{{/each}}",
    "{{number gitea.nope}}",
  ])("is not papered over by %s", async (template) => {
    expect((await failure(() => renderText(template, gitea))).code).toBe("VALUE_MISSING");
  });
});

describe("what is no template is refused with its line", () => {
  const cases: readonly [string, string, number, RegExp][] = [
    ["an unknown helper", "a\n{{shout gitea.port}}", 2, /no helper "shout"/],
    ["an unknown helper inside another", "{{lower (shout gitea.port)}}", 1, /no helper "shout"/],
    ["an unknown block", "\n{{#repeat 3}}x{{/repeat}}", 2, /no block "repeat"/],
    ["a section as a block", "{{#gitea}}x{{/gitea}}", 1, /no block "gitea"/],
    ["an unclosed block", "a\n{{#if gitea.port}}\nb", 3, /unexpected end of the file/],
    ["an unclosed mustache", "a\n{{gitea.port", 2, /unexpected/],
    ["blocks that do not match", "{{#if gitea.port}}{{/each}}", 1, /doesn't match/],
    ["a partial", "x\n{{> other}}", 2, /partials/],
    ["a partial that calls itself", "{{#> self}}{{> self}}{{/self}}", 1, /partials/],
    ["a decorator", '{{#*inline "x"}}{{/inline}}', 1, /decorators/],
    ["look-up by a computed name", "{{lookup gitea 'port'}}", 1, /no helper "lookup"/],
    ["log", "{{log gitea.user_pwd}}", 1, /no helper "log"/],
    ["our inner helpers", "{{get 0 gitea}}", 1, /no helper "get"/],
    ["private data", "{{@run.used}}", 1, /no @run/],
    ["named arguments", "{{lower x=gitea.port}}", 1, /lower takes 1/],
    ["too many arguments", "{{not 1 2}}", 1, /not takes 1/],
    ["null", "{{concat null}}", 1, /null/],
    ["a form that the format has not", '{{as "environment" gitea.port}}', 1, /no form "environment"/],
    ["a section as a value", "\n{{gitea}}", 2, /"gitea" is a section/],
    ["everything as a value", "{{this}}", 1, /the whole configuration/],
    ["a list as a value", "{{split gitea.port}}", 1, /#each/],
    ["a value as a list", "{{#each gitea.port}}x{{/each}}", 1, /single value/],
    ["a NUL", "a\0b", 0, /NUL/],
  ];
  it.each(cases)("%s", async (_, template, line, message) => {
    const error = await failure(() => renderText(template, gitea));
    expect(error).toMatchObject({ code: "TEMPLATE_INVALID", place: { file: "t.hbs", ...(line > 0 ? { line } : {}) } });
    expect(error.message).toMatch(message);
  });

  it("an output that its format cannot read, with the line of the template", async () => {
    const template = '{\n{{#if gitea.port}}\n  "a": {{gitea.port}}\n{{/if}}\n  "b": 1\n}\n';
    const error = await failure(() => renderText(template, gitea, { format: "json" }));
    expect(error).toMatchObject({ code: "TEMPLATE_INVALID", place: { file: "t.hbs", line: 5 } });
  });

  it("an output beyond all measure", async () => {
    const much = { a: { list: "x,".repeat(100_001), text: "x".repeat(1024 * 1024) } };
    const rounds = await failure(() => renderText("{{#each (split a.list)}}.{{/each}}", much));
    expect(rounds.message).toMatch(/rounds/);
    const size = await failure(() => renderText("{{a.text}}".repeat(17), much));
    expect(size.message).toMatch(/16 MiB/);
    expect([rounds.code, size.code]).toEqual(["TEMPLATE_INVALID", "TEMPLATE_INVALID"]);
  });
});

describe("prototypes", () => {
  it.each(["constructor", "__proto__", "toString", "hasOwnProperty", "__defineGetter__", "valueOf"])(
    "%s is a key like any other",
    async (name) => {
      expect((await failure(() => renderText(`{{gitea.${name}}}`, gitea))).code).toBe("VALUE_MISSING");
      expect((await failure(() => renderText(`{{${name}.${name}}}`, gitea))).code).toBe("VALUE_MISSING");
      const own = { entries: Object.fromEntries([["x", "1"]]), [`s-${name}`]: JSON.parse(`{"${name}": "mine"}`) };
      expect((await renderText(`{{s-${name}.${name}}}`, own)).text).toBe("mine");
    },
  );
});

describe("whatever a value holds", () => {
  it("is refused where the finished file is read as something else", async () => {
    const careless = { ...(await loadFormat("env:compose")), write: (value: string) => value };
    const template = (await loadCompiler())("\nA={{a.x}}\n", "t.hbs");
    const tree = buildTree(snapshotOf({ a: { x: "keep # gone" } }), noNames, digest);
    const error = await failure(() => template.render(tree, careless));
    expect(error).toMatchObject({ code: "UNREPRESENTABLE", key: "a.x", place: { file: "t.hbs", line: 2, column: 3 } });
  });

  it.each(["ini:gitea", "ini:cockpit", "ini:generic", "env:compose", "env:dotenv", "json", "yaml", "toml"])(
    "%s gives exactly it back, or refuses it by name",
    async (format) => {
      const templates: Record<string, string> = {
        ini: "[s]\nA = {{a.x}}\nB = keep\n",
        env: "A={{a.x}}\nB=keep\n",
        json: '{"A": {{a.x}}, "B": "keep"}\n',
        yaml: "A: {{a.x}}\nB: keep\n",
        toml: 'A = {{a.x}}\nB = "keep"\n',
      };
      const compile = await loadCompiler();
      const target = await loadFormat(format);
      const template = compile(templates[format.replace(/:.*/, "")] ?? "", "t.hbs");
      const hostile = fc.oneof(
        fc.string({ unit: fc.constantFrom(..."\"'`#;=:%$\\ \t\r\n\0[]{}(),ab") }),
        fc.string({ unit: "binary" }),
        fc.constantFrom(
          "__proto__",
          "\nB = evil",
          '"\n"B": "evil',
          "%(B)s",
          "\x24{B}",
          "${B",
          "true",
          "null",
          "007",
          "'",
          "-",
          "",
        ),
      );
      fc.assert(
        fc.property(hostile, (value) => {
          const tree = buildTree(snapshotOf({ a: { x: value } }), noNames, digest);
          try {
            const { fields } = template.render(tree, target);
            expect(fields.map((field) => [field.path.at(-1), field.value])).toEqual([
              ["A", value],
              ["B", "keep"],
            ]);
          } catch (error) {
            expect(error).toMatchObject({ code: "UNREPRESENTABLE", key: "a.x" });
          }
        }),
      );
    },
  );
});
