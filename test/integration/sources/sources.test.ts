import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatPath } from "../../../src/config/path.ts";
import { reveal, secretPaths } from "../../../src/config/secret.ts";
import { createSources, type SourceContext, sourceSchema } from "../../../src/sources/index.ts";
import type { Source } from "../../../src/sources/source.ts";
import { useSandbox } from "../platform/sandbox.ts";

const box = useSandbox();

function open(specs: readonly unknown[], more: Partial<SourceContext> = {}): Source[] {
  const context = {
    folder: box.folder("conf"),
    secretPaths: secretPaths([]),
    lookEvery: 1000,
    environment: {},
    ...more,
  };
  return createSources(
    specs.map((spec) => sourceSchema.parse(spec)),
    context,
  );
}

/** Loads and completes all of one look. */
async function loadAll(sources: readonly Source[]): Promise<Record<string, string>[]> {
  const layers = await Promise.all(sources.map((source) => source.load()));
  return layers.map((own, index) => {
    const { entries } = sources[index]?.complete?.(own, layers.toSpliced(index, 1)) ?? own;
    return Object.fromEntries(entries.map(({ path, value }) => [formatPath(path), reveal(value)]));
  });
}

describe("the sources of the settings", () => {
  it("are files, from the folder of the settings, and variables", async () => {
    writeFileSync(`${box.folder("conf")}/system.ini`, "[a]\nx = 1\n");
    const sources = open([{ file: "system.ini", protected: true }, { env: "CONFIG_SYNC__" }], {
      environment: { CONFIG_SYNC__B__Y: "2" },
    });
    expect(sources.map(({ name, protected: guarded }) => [name, guarded])).toEqual([
      ["system.ini", true],
      ["environment", false],
    ]);
    expect(await loadAll(sources)).toEqual([{ "a.x": "1" }, { "b.y": "2" }]);
  });

  it("are protected where that is said, and system.ini also where nothing is", () => {
    const files = ["system.ini", "conf/system.ini", "config.ini"];
    const specs = files.flatMap((file) => [{ file }, { file, protected: true }, { file, protected: false }]);
    expect(open(specs, {}).map((source) => source.protected)).toEqual(
      [
        [true, true, false],
        [true, true, false],
        [false, true, false],
      ].flat(),
    );
  });

  it("let variables mean the sections of the files, as those spell them", async () => {
    writeFileSync(`${box.folder("conf")}/config.ini`, "[Gitea]\nport = 1\n");
    const sources = open([{ file: "config.ini" }, { env: "CONFIG_SYNC__" }, { env: "OTHER__" }], {
      environment: { CONFIG_SYNC__GITEA__PORT: "2", OTHER__GITEA__PORT: "3" },
    });
    expect(await loadAll(sources)).toEqual([{ "Gitea.port": "1" }, { "Gitea.port": "2" }, { "Gitea.port": "3" }]);
  });

  it("refer to each other where they may, the strongest value first", async () => {
    const folder = box.folder("conf");
    writeFileSync(`${folder}/system.ini`, "[net]\nhost = strong\n");
    writeFileSync(`${folder}/base.ini`, "[net]\nhost = weak\nport = 80\n");
    writeFileSync(`${folder}/config.ini`, `[s]\nurl = http://\${net.host}:\${net.port}/\${s.name}\nname = x\n`);
    const sources = open(
      [
        { file: "base.ini" },
        { file: "config.ini", substitute: true },
        { env: "CONFIG_SYNC__" },
        { file: "system.ini", protected: true },
      ],
      { environment: { CONFIG_SYNC__NET__PORT: "81" } },
    );
    expect((await loadAll(sources))[1]).toMatchObject({ "s.url": "http://strong:81/x" });
  });

  it("that are broken say so themselves, and keep the others going", async () => {
    writeFileSync(`${box.folder("conf")}/config.ini`, "[Gitea]\nport = 1\n");
    writeFileSync(`${box.folder("conf")}/broken.ini`, "nonsense");
    const sources = open([{ file: "config.ini" }, { file: "broken.ini" }, { env: "CONFIG_SYNC__" }], {
      environment: { CONFIG_SYNC__GITEA__PORT: "2" },
    });
    const [config, broken, environment] = await Promise.allSettled(sources.map((source) => source.load()));
    expect([config?.status, broken?.status, environment?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it.each([
    [{}],
    [{ file: "" }],
    [{ file: "a.ini", env: "A__" }],
    [{ file: "a.ini", other: true }],
    [{ env: "NO_END" }],
    [{ env: "BAD-NAME__" }],
    ["a.ini"],
  ])("are refused when written like %j", (spec) => {
    expect(sourceSchema.safeParse(spec).success).toBe(false);
  });
});
