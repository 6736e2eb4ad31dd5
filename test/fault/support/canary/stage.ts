/** A workspace with a secret of every kind in services of every kind, and the server and the scripts that the services are told by. */

import { makeWorkspace, type Workspace } from "../../../support/workspace.ts";
import type { Flock, Name } from "./canaries.ts";
import { type HttpService, startEcho } from "./echo.ts";

export interface Stage {
  readonly workspace: Workspace;
  readonly echo: HttpService;
  /** For the daemon and for commands. */
  readonly environment: NodeJS.ProcessEnv;
  readonly remove: () => Promise<void>;
}

/** Where a secret of each kind stands: those that are set through the API. */
export const places = {
  named: "mail.password",
  schema: "vault.seed",
  settings: "hook.address",
  url: "db.url",
  pem: "tls.private_key",
  short: "app.pin",
  special: "git.token",
  apiKey: "api_key.key",
} as const satisfies Partial<Record<Name, string>>;

export function secretAt(flock: Flock, name: keyof typeof places, round = 0): string {
  const text = flock.canary(name, round);
  return name === "url" ? `postgres://app:${text}@db.example.com/app?sslpassword=${text}` : text;
}

/** All of them, as the body of a change. */
export function allSecrets(flock: Flock, round: number): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {};
  for (const [name, path] of Object.entries(places)) {
    const [section = "", key = ""] = path.split(".");
    sections[section] = { ...sections[section], [key]: secretAt(flock, name as keyof typeof places, round) };
  }
  return sections;
}

/** Files of outputs with values in every format, and what one that is merged holds before. */
const formats: Readonly<Record<string, (key: string, path: string) => string>> = {
  "ini:gitea": (key, path) => `${key} = {{${path}}}`,
  "ini:python": (key, path) => `${key} = {{${path}}}`,
  "ini:supervisor": (key, path) => `${key}={{${path}}}`,
  "ini:cockpit": (key, path) => `${key} = {{${path}}}`,
  "ini:generic": (key, path) => `${key} = {{${path}}}`,
  "env:compose": (key, path) => `${key}={{${path}}}`,
  "env:dotenv": (key, path) => `${key}={{${path}}}`,
  "env:raw": (key, path) => `${key}={{${path}}}`,
  json: (key, path) => `  "${key}": {{${path}}}`,
  yaml: (key, path) => `${key}: {{${path}}}`,
  toml: (key, path) => `${key} = {{${path}}}`,
  text: (key, path) => `${key} is {{{${path}}}}`,
};

const easy = ["named", "schema", "settings", "url", "short"] as const;
const hard = ["pem", "special"] as const;
const roomy = ["json", "yaml", "toml", "text"];

const fileOf = (format: string): string => `files.${format.replace(":", ".")}`;

export async function setStage(flock: Flock): Promise<Stage> {
  const echo = await startEcho(flock);
  const workspace = await makeWorkspace({
    ...sources(flock),
    "config-sync.yaml": settings(flock, echo.url),
    "schema.yaml": schema,
    mode: "well",
    "tmp/.keep": "",
    "seen/.keep": "",
    "services/.keep": "",
    "tell.sh": tell,
    "bin/git": wrapped("git"),
    ...manifests(echo.url),
  });
  return {
    workspace,
    echo,
    environment: {
      PATH: `${workspace.at("bin")}:${process.env.PATH}`,
      TMPDIR: workspace.at("tmp"),
      WATCHED: workspace.folder,
      CANARY__ENV__PASSWORD: flock.canary("environment"),
      CANARY__ENV__TOKEN__FILE: workspace.at("token"),
    },
    remove: async () => {
      await echo.stop();
      await workspace.remove();
    },
  };
}

export function settings(flock: Flock, url: string, more = "log: { level: debug }"): string {
  return `sources:
  - file: extra.ini
    substitute: true
  - file: config.ini
  - { file: system.ini, protected: true }
  - env: CANARY__
services: [${Object.keys(services).join(", ")}]
roots: [services]
secrets: ["hook.*", "**.pin"]
schema: schema.yaml
environment: environment.yaml
encryption: { key_file: keys }
supervisord:
  url: ${url}/supervisord
  username: config-sync
  password: "${flock.canary("supervisord")}"
history:
  git:
    push: { url: "${url.replace("://", `://config-sync:${flock.canary("push")}@`)}/push.git" }
sync: { retry_first: 50ms, retry_longest: 300ms, reload_attempts: 2 }
api: { listen: ["127.0.0.1:0"], requests_per_second: 100000 }
${more}
`;
}

function sources(flock: Flock): Record<string, string> {
  return {
    "config.ini": configIni,
    "extra.ini": `[derived]\ndsn = postgres://app:\${mail.password:-none}@db/app\n`,
    "system.ini": `[system]\npassword = ${flock.canary("system")}\n`,
    token: `${flock.canary("environmentFile")}\n`,
    "environment.yaml": `variables: { TZ: UTC }\nmappings: { MAIL_PASSWORD: ${places.named} }\n`,
  };
}

const configIni = `# Everything is set later: what is secret through the API, which seals it.
[mail]
host = mail.example.com
[app]
port = 8080
[vault]
[hook]
[db]
[tls]
[git]
[api_key]
[typed]
[hand]
name = nobody
[adopt]
port = 8080
`;

const schema = `sections:
  vault: { seed: { secret: true, min: 10 } }
  app: { port: { type: port }, pin: { min: 4, max: 12, secret: true } }
  typed: { port: { type: port, secret: true }, kind: { type: enum, values: [a, b], secret: true }, password: { strength: 4 } }
`;

/** What others see of a program that is run: its environment, and the command lines of everybody. In bad times it tells all it has. */
const tell = `#!/bin/sh
{ env; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; } >> "seen/$1.$$"
[ "$(cat mode)" = well ] && exit 0
echo "cannot load this:"
cat services/$1.* services/files.json
echo "as base64:"
cat services/$1.* | base64 -w0
exit 3
`;

function wrapped(program: string): string {
  return `#!/bin/sh
{ env; echo "$@"; } >> "$(dirname "$0")/../seen/${program}.$$"
exec /usr/bin/${program} "$@"
`;
}

/** A service each: the lines of its manifest behind its outputs. */
const services: Readonly<Record<string, (url: string) => string>> = {
  files: () => "",
  merged: () => "",
  checked: () => "",
  drifting: () => "",
  adopting: () => "",
  told: (url) => `reload:
  - http:
      url: "${url}/told?key={{mail.password}}"
      method: PUT
      headers: { X-Key: "{{vault.seed}}" }
      json: { password: "{{mail.password}}", pem: "{{{tls.private_key}}}", special: "{{git.token}}" }
      login: { url: "${url}/login", json: { user: app, password: "{{app.pin}}" }, token: jwt }
`,
  commanded: () => `reload: [{ command: { argv: [sh, tell.sh, commanded], timeout: 10s } }]
probe: { command: { argv: [sh, tell.sh, commanded] }, backoff: { initial: 20ms, max: 50ms, give_up: 200ms } }
`,
  probed: (url) => `probe:
  http: { url: "${url.replace("://", "://app:{{mail.password}}@")}/probed?key={{vault.seed}}", headers: { X-Key: "{{mail.password}}" } }
  backoff: { initial: 20ms, max: 50ms, give_up: 200ms }
`,
  environment: () => "",
  supervised: () => `reload: [{ supervisord: { program: none, action: restart } }]\n`,
};

function manifests(url: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(services).flatMap(([name, rest]) => {
      const outputs = outputsOf(name);
      const lines = outputs.map(({ file, format, more = "" }) => {
        return `  - { path: services/${file}, format: "${format}", template: ${file}.hbs${more} }`;
      });
      return [
        [`templates/${name}/service.yaml`, `name: ${name}\noutputs:\n${lines.join("\n")}\n${rest(url)}`],
        ...outputs.map(({ file, template }) => [`templates/${name}/${file}.hbs`, template]),
      ];
    }),
  );
}

interface Output {
  readonly file: string;
  readonly format: string;
  readonly template: string;
  readonly more?: string;
}

function outputsOf(name: string): Output[] {
  switch (name) {
    case "files":
      return Object.keys(formats).map((format) => ({ file: fileOf(format), format, template: templateOf(format) }));
    case "merged":
      return mergeable.map((format) => ({
        file: `merged.${format}`,
        format: format === "ini" ? "ini:gitea" : format,
        template: templateOf(format === "ini" ? "ini:gitea" : format),
        more: ", merge: true",
      }));
    case "checked":
      return [{ ...plain(name), more: ', check: ["sh", "tell.sh", "checked"]' }];
    case "drifting":
      return [{ ...plain(name), more: ", drift: report" }];
    case "environment":
      return [
        {
          file: "environment.env",
          format: "env:compose",
          template: "# all\n",
          more: ", environment: true, merge: true",
        },
      ];
    case "adopting": {
      const template = "PORT={{adopt.port}}\nPASSWORD={{mail.password}}\n";
      return [{ file: "adopting.env", format: "env:raw", template, more: ", drift: adopt" }];
    }
    default:
      return [plain(name)];
  }
}

export const mergeable = ["json", "yaml", "toml", "ini"];

function plain(name: string): Output {
  return { file: `${name}.txt`, format: "text", template: templateOf("text") };
}

function templateOf(format: string): string {
  const write = formats[format] ?? ((key) => key);
  const named = [...easy, ...(roomy.includes(format) ? hard : [])].map((name) => write(name, places[name]));
  const others = ["env.password", "env.token", "system.password", "derived.dsn"].map((path) => {
    return write(path.replace(".", ""), path);
  });
  const lines = [...named, ...others];
  if (format === "json") return `{\n${lines.join(",\n")}\n}\n`;
  return `${format.startsWith("ini") ? "[all]\n" : ""}${lines.join("\n")}\n`;
}
