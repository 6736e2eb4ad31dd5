import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { leash } from "./leash.ts";
import { freePort } from "./supervisord.ts";

/** A real nginx of our own. */
export interface Nginx {
  readonly folder: string;
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Its nginx.conf, complete: change it and reload. */
  readonly file: string;
  /** What makes it load the file. */
  readonly reloadArgv: readonly string[];
  /** What says whether a file is good; the file's path goes to the end. */
  readonly checkArgv: readonly string[];
  readonly stop: () => Promise<void>;
}

/** `server` stands in the server block. Default: everything is answered with 200 and "ok". */
export async function startNginx(server = 'return 200 "ok";'): Promise<Nginx> {
  const { folder, start, release } = await leash("nginx");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = path.join(folder, "nginx.conf");
  const nginx = ["/usr/sbin/nginx", "-p", folder, "-e", path.join(folder, "log")];
  await mkdir(path.join(folder, "tmp"));
  await writeFile(file, nginxConf({ folder, port, server }));
  try {
    await start([...nginx, "-g", "daemon off;", "-c", file]).becomes(() => answers(url));
  } catch (error) {
    await release();
    throw error;
  }
  return {
    ...{ folder, port, url, file },
    reloadArgv: [...nginx, "-s", "reload", "-c", file],
    checkArgv: [...nginx, "-t", "-q", "-c"],
    stop: release,
  };
}

/** A complete nginx.conf that keeps everything in the folder. */
export function nginxConf({ folder, port, server }: { folder: string; port: number; server: string }): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `user root;
worker_processes 1;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
${kinds.map((kind) => `  ${kind}_temp_path ${folder}/tmp/${kind};`).join("\n")}
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}
`;
}

/** Whether anything at all is answered there. */
export async function answers(url: string): Promise<boolean> {
  return fetch(url, { redirect: "manual", signal: AbortSignal.timeout(1000) }).then(
    () => true,
    () => false,
  );
}
