import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { type LeashedServer, leash } from "./leash.ts";

/** A real supervisord of our own, on a unix socket without and a TCP port with a password. */
export interface SupervisordServer {
  readonly folder: string;
  readonly socket: string;
  /** `unix:///tmp/…/supervisor.sock`, as our settings write it. */
  readonly url: string;
  readonly tcp: { readonly url: string; readonly username: string; readonly password: string };
  /** Of the one that runs now. */
  readonly pid: () => number;
  /** Replaces the program sections of the configuration file; supervisord is not told. */
  readonly write: (programs: Programs | string) => Promise<void>;
  /** Ends it, and all programs with it. */
  readonly down: () => Promise<void>;
  /** Starts it again; it reads its files anew. */
  readonly up: () => Promise<void>;
  readonly hang: () => void;
  readonly wake: () => void;
  readonly stop: () => Promise<void>;
}

/** The settings of each `[program:NAME]`; `autostart`, `startsecs` and the like as supervisord spells them. */
export type Programs = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** `programs` may be a text too: sections as they shall stand in the file (groups, numprocs). */
export async function startSupervisord(programs: Programs | string): Promise<SupervisordServer> {
  const { folder, start, release } = await leash("supervisord");
  const socket = path.join(folder, "supervisor.sock");
  const port = await freePort();
  const file = path.join(folder, "supervisord.conf");
  const write = (wanted: Programs | string) => writeFile(file, `${head(folder, port)}\n${sections(wanted)}`);
  await write(programs);
  const startServer = async () => {
    const started = start(["/usr/bin/supervisord", "-n", "-c", file]);
    await started.becomes(() => existsSync(socket));
    return started;
  };
  let server: LeashedServer;
  try {
    server = await startServer();
  } catch (error) {
    await release();
    throw error;
  }
  return {
    folder,
    socket,
    url: `unix://${socket}`,
    tcp: { url: `http://127.0.0.1:${port}`, username: "admin", password: "p:w@1 geheim" },
    pid: () => server.pid,
    write,
    down: () => server.end(),
    up: async () => {
      server = await startServer();
    },
    hang: () => server.signal("SIGSTOP"),
    wake: () => server.signal("SIGCONT"),
    stop: release,
  };
}

function head(folder: string, port: number): string {
  return `[unix_http_server]
file=${folder}/supervisor.sock
[inet_http_server]
port=127.0.0.1:${port}
username=admin
password=p:w@1 geheim
[supervisord]
logfile=${folder}/supervisord.log
pidfile=${folder}/supervisord.pid
childlogdir=${folder}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
`;
}

function sections(programs: Programs | string): string {
  if (typeof programs === "string") return programs;
  return Object.entries(programs)
    .map(([name, settings]) => {
      const lines = Object.entries({ startsecs: 0, stopwaitsecs: 2, ...settings }).map(
        ([key, value]) => `${key}=${value}`,
      );
      return `[program:${name}]\n${lines.join("\n")}\n`;
    })
    .join("\n");
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
