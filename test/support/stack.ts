import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Dockerd, startDockerd } from "./dockerd.ts";
import { freePort, type SupervisordServer, startSupervisord } from "./supervisord.ts";
import { makeWorkspace, type Workspace } from "./workspace.ts";

/**
 * A small stack of real services, each answering over HTTP with a value of config.ini that it read from its own file:
 * `web` in a container, `api` and `worker` under supervisord (a file read at start, and the environment), `proxy` is nginx.
 */
export interface Stack {
  readonly workspace: Workspace;
  readonly dockerd: Dockerd;
  readonly supervisord: SupervisordServer;
  /** What the service answers just now; "" when it does not. */
  readonly ask: (service: ServiceName) => Promise<string>;
  readonly askAll: () => Promise<Record<ServiceName, string>>;
  readonly stop: () => Promise<void>;
}

export const serviceNames = ["web", "api", "worker", "proxy"] as const;
export type ServiceName = (typeof serviceNames)[number];

type Ports = Readonly<Record<ServiceName, number>>;

/** config.ini with the same text for every service. nginx refuses a `size` that is none; `web` dies of the greeting `broken`. */
export function configIni(text: string, { size = "1m", web = text }: { size?: string; web?: string } = {}): string {
  return `# what people may change
[web]
greeting = ${web}

[api]
greeting = ${text}
[worker]
greeting = ${text}

[proxy]
greeting = ${text}
max_body = ${size}
`;
}

export async function startStack(): Promise<Stack> {
  const ports = Object.fromEntries(
    await Promise.all(serviceNames.map(async (name) => [name, await freePort()])),
  ) as Ports;
  const workspace = await makeWorkspace({ "config.ini": configIni("first"), "system.ini": "[system]\nname = test\n" });
  const dockerd = await startDockerd();
  await prepareFiles(workspace, ports);
  const supervisord = await startSupervisord(supervisorSections(workspace, ports));
  await writeFile(workspace.at("config-sync.yaml"), settings(dockerd, supervisord, ports));
  await dockerd.run("stack-web", {
    cmd: ["sh", "/config/serve.sh", String(ports.web)],
    binds: [`${workspace.at("services/web")}:/config`],
    network: "host",
  });
  const ask = async (service: ServiceName): Promise<string> => {
    const url = `http://127.0.0.1:${ports[service]}/`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    return answer === undefined ? "" : (await answer.text().catch(() => "")).trim();
  };
  return {
    workspace,
    dockerd,
    supervisord,
    ask,
    askAll: async () =>
      Object.fromEntries(await Promise.all(serviceNames.map(async (name) => [name, await ask(name)]))) as Record<
        ServiceName,
        string
      >,
    stop: async () => {
      await supervisord.stop();
      await dockerd.stop();
      await workspace.remove();
    },
  };
}

function settings(dockerd: Dockerd, supervisord: SupervisordServer, ports: Ports): string {
  return `sources:
  - { file: system.ini, protected: true }
  - { file: config.ini }
services: [web, api, worker, proxy]
roots: [services]
urls:
${serviceNames.map((name) => `  ${name}: http://127.0.0.1:${ports[name]}`).join("\n")}
docker: { host: "${dockerd.host}" }
supervisord: { url: "${supervisord.url}" }
log: { format: text }
`;
}

const probe = (name: ServiceName): string => `probe:
  http: { url: "{{urls.${name}}}/", contains: "{{${name}.greeting}}", timeout: 1s }
  backoff: { initial: 50ms, factor: 2, max: 400ms, give_up: 5s }
`;

async function prepareFiles(workspace: Workspace, ports: Ports): Promise<void> {
  const files: Record<string, string> = {
    "templates/web/service.yaml": `name: web
outputs: [{ path: services/web/.env, format: "env:compose", template: env.hbs, merge: true }]
reload: [{ docker: { container: stack-web, action: restart, timeout: 1s } }]
${probe("web")}`,
    "templates/web/env.hbs": "GREETING={{web.greeting}}\n",
    "services/web/.env": "# kept\nOTHER=1\nGREETING=nothing\n",
    "services/web/serve.sh": `. /config/.env
[ "$GREETING" = broken ] && exit 1
mkdir -p /www && echo "$GREETING" > /www/index.html
exec httpd -f -p "$1" -h /www
`,
    "templates/api/service.yaml": `name: api
depends_on: [web]
outputs: [{ path: services/api/api.json, format: json, template: api.json.hbs, merge: true, mode: "0640" }]
reload: [{ supervisord: { program: api, action: restart } }]
${probe("api")}`,
    "templates/api/api.json.hbs": '{ "greeting": {{api.greeting}} }\n',
    "services/api/api.json": '{\n  // kept\n  "other": [1,2],\n  "greeting": "nothing"\n}\n',
    "templates/worker/service.yaml": `name: worker
outputs: [{ path: services/supervisor/worker.conf, format: "ini:supervisor", template: worker.conf.hbs }]
reload: [{ supervisord: { program: worker, action: update } }]
${probe("worker")}`,
    "templates/worker/worker.conf.hbs": `[program:worker]
command=python3 ${workspace.at("services/worker.py")} ${ports.worker}
environment=GREETING={{as "environment" worker.greeting}}
startsecs=0
`,
    "templates/proxy/service.yaml": `name: proxy
outputs:
  - path: services/nginx/nginx.conf
    format: nginx
    template: nginx.conf.hbs
    check: [/usr/sbin/nginx, -t, -q, -p, "${workspace.at("services/nginx")}", -c, "{{staged}}"]
reload: [{ supervisord: { program: nginx, action: signal, signal: HUP } }]
${probe("proxy")}`,
    "templates/proxy/nginx.conf.hbs": nginxConf(workspace, ports.proxy, "{{proxy.greeting}}", "{{proxy.max_body}}"),
    "services/nginx/nginx.conf": nginxConf(workspace, ports.proxy, "nothing", "1m"),
    "services/worker.py": server('os.environ["GREETING"]'),
    "services/api.py": server(
      `json.loads(re.sub(r"//.*", "", open("${workspace.at("services/api/api.json")}").read()))["greeting"]`,
    ),
    "services/nginx/tmp/.keep": "",
    "services/supervisor/.keep": "",
  };
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(workspace.at(file)), { recursive: true });
    await writeFile(workspace.at(file), content);
  }
}

/** Reads the greeting once, at start. */
function server(greeting: string): string {
  return `import http.server, json, os, re, sys
greeting = ${greeting}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greeting.encode())
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`;
}

function nginxConf(workspace: Workspace, port: number, greeting: string, size: string): string {
  const folder = workspace.at("services/nginx");
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `user root;
worker_processes 1;
daemon off;
error_log ${folder}/error.log;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
${kinds.map((kind) => `  ${kind}_temp_path ${folder}/tmp/${kind};`).join("\n")}
  client_max_body_size ${size};
  server {
    listen 127.0.0.1:${port};
    return 200 ${greeting};
  }
}
`;
}

function supervisorSections(workspace: Workspace, ports: Ports): string {
  return `[program:api]
command=python3 ${workspace.at("services/api.py")} ${ports.api}
startsecs=0
[program:nginx]
command=/usr/sbin/nginx -p ${workspace.at("services/nginx")} -e ${workspace.at("services/nginx")}/error.log -c ${workspace.at("services/nginx/nginx.conf")}
startsecs=0
[include]
files=${workspace.at("services/supervisor")}/*.conf
`;
}
