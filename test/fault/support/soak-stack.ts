/**
 * Five services, each kept, told and turned away in another way: how each is changed, how a change to a bad value ends, and what it
 * has to stand on then.
 */
import { existsSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { startHttpService } from "../../support/http-service.ts";
import { makeWorkspace, type Workspace } from "../../support/workspace.ts";

export const names = ["replaced", "merged", "checked", "placed", "plain"] as const;
export type Name = (typeof names)[number];

export interface SoakStack {
  readonly workspace: Workspace;
  /** Saves config.ini with this value for the service, and the others' as they were. */
  readonly save: (name: Name, value: string) => Promise<void>;
  /** Fails unless this is what the service's file holds, and what it has loaded. */
  readonly isOn: (name: Name, value: string) => void;
  /** Whether the reload lives on that the value `hangs` makes `merged` hang in. */
  readonly hangs: () => boolean;
  readonly stop: () => Promise<void>;
}

interface Manner {
  readonly manifest: string;
  readonly template: string;
  readonly file: (value: string) => string;
  /** How a change to a bad value ends. */
  readonly badEnds: "refused" | "rolled-back";
  /** A line break in config.ini is further lines that are indented. */
  readonly makeBad: (value: string) => string;
}

const sick = (value: string): string => `ill-${value}`;
const backoff = "backoff: { initial: 10ms, factor: 1, max: 10ms, give_up: 100ms }";
const overHttp = (name: Name): string => `reload: [{ http: { url: "{{urls.stack}}/${name}/reload" } }]
probe: { http: { url: "{{urls.stack}}/${name}/health" }, ${backoff} }`;

export const manners: Readonly<Record<Name, Manner>> = {
  replaced: {
    manifest: `outputs: [{ path: services/replaced/file, format: text, template: t.hbs }]\n${overHttp("replaced")}`,
    template: "value {{replaced.value}}\n",
    file: (value) => `value ${value}\n`,
    badEnds: "rolled-back",
    makeBad: sick,
  },
  merged: {
    manifest: `outputs: [{ path: services/merged/file, format: "ini:gitea", template: t.hbs, merge: true }]
reload: [{ command: { argv: [sh, load.sh], cwd: services/merged } }]
probe: { command: { argv: [sh, services/merged/health.sh] }, backoff: { initial: 10ms, max: 10s, give_up: 60s } }`,
    template: "[s]\nvalue = {{merged.value}}\n",
    file: (value) => `; theirs\n[other]\nkey = "kept"\n\n[s]\nvalue = ${value}\n`,
    badEnds: "rolled-back",
    makeBad: sick,
  },
  checked: {
    manifest: `depends_on: [replaced]
outputs:
  - { path: services/checked/file, format: json, template: t.hbs, check: [sh, services/checked/check.sh, "{{staged}}"] }
${overHttp("checked")}`,
    template: '{ "value": {{checked.value}} }\n',
    file: (value) => `{ "value": "${value}" }\n`,
    badEnds: "refused",
    makeBad: sick,
  },
  placed: {
    manifest: `depends_on: [replaced]
outputs: [{ path: services/placed/file, format: "env:compose", template: t.hbs, in_place: true }]
${overHttp("placed")}`,
    template: "VALUE={{placed.value}}\n",
    file: (value) => `VALUE=${value}\n`,
    badEnds: "rolled-back",
    makeBad: sick,
  },
  plain: {
    manifest: `outputs: [{ path: services/plain/file, format: "env:raw", template: t.hbs }]`,
    template: "VALUE={{plain.value}}\n",
    file: (value) => `VALUE=${value}\n`,
    badEnds: "refused",
    makeBad: (value) => `${value}\n  and more`,
  },
};

/** Of what the shell itself can do, because every further process takes its time. */
const files = {
  "services/merged/hanging": "none\n",
  "services/merged/load.sh": `text=
while read -r line; do
  case $line in *ill-*) exit 1 ;; *hangs*) echo $$ > hanging; exec sleep 60 ;; esac
  text="$text$line
"
done < file
printf %s "$text" > live
`,
  "services/merged/health.sh": `while read -r line; do
  case $line in *never-well*) exit 1 ;; esac
done < services/merged/file
`,
  "services/checked/check.sh": `while read -r line; do
  case $line in *ill-*) exit 1 ;; esac
done < "$1"
`,
};

export async function makeSoakStack(first: ReadonlyMap<Name, string>): Promise<SoakStack> {
  const values = new Map(first);
  const loaded = new Map<string, string>();
  const service = await startHttpService(
    Object.fromEntries(
      names.flatMap((name) => [
        [`/${name}/reload`, () => load(name)],
        [`/${name}/health`, () => ({ status: loaded.get(name)?.includes("ill-") ? 503 : 200 })],
      ]),
    ),
  );
  const workspace = await makeWorkspace({
    "config.ini": configIni(values),
    "config-sync.yaml": configSyncYaml(service.url),
    ...files,
    ...Object.assign({}, ...names.map(filesOf)),
  });

  const textOf = (name: Name, file: string): string => readFileSync(workspace.at(`services/${name}/${file}`), "utf8");

  function load(name: Name) {
    service.seen.length = 0; // it would grow for as long as the test runs
    loaded.set(name, textOf(name, "file"));
    return {};
  }

  return {
    workspace,
    save: async (name, value) => {
      values.set(name, value);
      await workspace.saveByRename("config.ini", configIni(values));
    },
    isOn: (name, value) => {
      const text = manners[name].file(value);
      expect(textOf(name, "file")).toBe(text);
      if (name === "merged") expect(textOf(name, "live")).toBe(text);
      else if (name !== "plain") expect(loaded.get(name)).toBe(text);
    },
    hangs: () => existsSync(`/proc/${textOf("merged", "hanging").trim()}`),
    stop: async () => {
      await workspace.remove();
      await service.stop();
    },
  };
}

function configIni(values: ReadonlyMap<Name, string>): string {
  return [...values].map(([name, value]) => `[${name}]\nvalue = ${value}\n`).join("\n");
}

/** As much of what happens by time as there can be. */
function configSyncYaml(url: string): string {
  return `sources: [{ file: config.ini }]
services: [${names.join(", ")}]
roots: [services]
urls: { stack: "${url}" }
api: { listen: ["127.0.0.1:0"] }
sync:
  look_every: 100ms
  check_every: 250ms
  settle: { min: 0ms, max: 0ms }
  reload_attempts: 2
  retry_first: 10ms
  retry_longest: 10ms
`;
}

function filesOf(name: Name): Record<string, string> {
  const { manifest, template, file } = manners[name];
  return {
    [`templates/${name}/service.yaml`]: `name: ${name}\n${manifest}\n`,
    [`templates/${name}/t.hbs`]: template,
    [`services/${name}/file`]: file("nothing"),
  };
}
