import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Agent } from "node:http";
import https from "node:https";
import path from "node:path";
import { ConfigSyncError } from "../errors.ts";
import { http } from "./node-http.ts";

export interface DockerOptions {
  /** `unix:///run/docker.sock` or `tcp://host:2376`. Default: DOCKER_HOST, else the socket of this machine. */
  readonly host?: string | undefined;
  /** Folder with ca.pem, cert.pem and key.pem, for TCP hosts. Default: DOCKER_CERT_PATH. */
  readonly certificates?: string | undefined;
}

/** Where the Docker Engine is, complete: nothing is left for docker-modem to take from the environment. */
export interface DockerHost {
  /** For messages: `/var/run/docker.sock`, `tcp://host:2376`. */
  readonly name: string;
  readonly connection: {
    readonly socketPath: string | undefined;
    readonly host: string | undefined;
    readonly port: string | undefined;
    readonly protocol: "http" | "https";
    readonly ca: Buffer | undefined;
    readonly cert: Buffer | undefined;
    readonly key: Buffer | undefined;
    readonly agent: Agent;
  };
}

/**
 * Finds the Docker Engine as the docker command does: the option, DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH,
 * the system's socket, the user's own (rootless) socket. Throws SETTINGS_INVALID for an address that nobody understands.
 */
export async function findDocker(options: DockerOptions, env: NodeJS.ProcessEnv = process.env): Promise<DockerHost> {
  const address = options.host || env.DOCKER_HOST || localSocket(env);
  if (address.startsWith("unix://")) return unixHost(address.slice("unix://".length));
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["tcp:", "http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new ConfigSyncError("SETTINGS_INVALID", `the Docker host "${address}" is not understood`, {
      hint: "Write unix:///path/to/docker.sock or tcp://host:port; for ssh, forward the socket with ssh -L",
    });
  }
  const folder = options.certificates ?? certificatesOf(env);
  const secure = folder !== undefined || url.protocol === "https:" || url.port === "2376";
  const port = url.port || (secure ? "2376" : "2375");
  const pem = folder === undefined ? {} : await readPem(folder);
  return {
    name: `tcp://${url.hostname}:${port}`,
    connection: {
      socketPath: undefined,
      host: url.hostname,
      port,
      protocol: secure ? "https" : "http",
      ...noPem,
      ...pem,
      agent: secure ? new https.Agent() : new http.Agent(),
    },
  };
}

function localSocket(env: NodeJS.ProcessEnv): string {
  const system = "/var/run/docker.sock";
  const rootless = env.XDG_RUNTIME_DIR && path.join(env.XDG_RUNTIME_DIR, "docker.sock");
  return `unix://${rootless && !existsSync(system) && existsSync(rootless) ? rootless : system}`;
}

const noPem = { ca: undefined, cert: undefined, key: undefined };

/** An agent without keep-alive: after a restart of the daemon, a kept connection would fail the next call. */
function unixHost(socketPath: string): DockerHost {
  const connection = { socketPath, host: undefined, port: undefined, ...noPem };
  return { name: socketPath, connection: { ...connection, protocol: "http", agent: new http.Agent() } };
}

/** DOCKER_CERT_PATH alone does not switch TLS on for the docker command; a port 2376 without it is asked with the system's CAs. */
function certificatesOf(env: NodeJS.ProcessEnv): string | undefined {
  if (!env.DOCKER_TLS_VERIFY) return undefined;
  return env.DOCKER_CERT_PATH || path.join(env.HOME ?? "/root", ".docker");
}

async function readPem(folder: string): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(path.join(folder, "ca.pem")),
      readFile(path.join(folder, "cert.pem")),
      readFile(path.join(folder, "key.pem")),
    ]);
    return { ca, cert, key };
  } catch (error) {
    throw new ConfigSyncError(
      "SETTINGS_INVALID",
      `the certificates for Docker cannot be read: ${(error as Error).message}`,
      {
        hint: "The folder (docker.certificates, DOCKER_CERT_PATH) holds ca.pem, cert.pem and key.pem",
        cause: error,
      },
    );
  }
}
