import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { leash } from "./leash.ts";
import { answers } from "./nginx.ts";
import { freePort } from "./supervisord.ts";

/** A real cockpit-ws of our own, with a cockpit.conf of its own. */
export interface Cockpit {
  readonly folder: string;
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Its cockpit.conf. cockpit-ws reads it once, when it starts: a change needs a restart. */
  readonly file: string;
  /** The command and environment that it runs with, for a supervisord that shall run it instead. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startCockpit(conf = "[WebService]\nAllowUnencrypted = true\n"): Promise<Cockpit> {
  const { folder, start, release } = await leash("cockpit");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = path.join(folder, "cockpit", "cockpit.conf");
  await mkdir(path.dirname(file));
  await writeFile(file, conf);
  const argv = ["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", "127.0.0.1", "--port", String(port)];
  const env = { XDG_CONFIG_DIRS: folder, XDG_RUNTIME_DIR: folder };
  const startServer = async () => {
    const server = start(argv, env);
    await server.becomes(() => answers(url));
    return server;
  };
  try {
    let server = await startServer();
    const restart = async () => {
      await server.end();
      server = await startServer();
    };
    return { folder, port, url, file, argv, env, restart, stop: release };
  } catch (error) {
    await release();
    throw error;
  }
}
