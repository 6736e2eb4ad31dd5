import { execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { type LeashedServer, leash } from "./leash.ts";

/** A real dockerd of our own: nothing is shared with a dockerd of the machine. */
export interface Dockerd {
  readonly folder: string;
  readonly socket: string;
  /** As in DOCKER_HOST: `unix:///tmp/…/docker.sock`. */
  readonly host: string;
  readonly docker: Docker;
  /** Makes an image of a folder that holds a root file system. */
  readonly importRootfs: (image: string, rootfs: string) => Promise<void>;
  /** Starts a container and gives its id. The image `busybox:test` is made when it is first used. */
  readonly run: (name: string, options: RunOptions) => Promise<string>;
  /** SIGSTOP for the daemon: it accepts connections and never answers. */
  readonly hang: () => void;
  readonly wake: () => void;
  /** Ends the daemon, and all containers with it. */
  readonly down: () => Promise<void>;
  /** Ends the daemon as a power failure does; the containers go on until it is back. */
  readonly crash: () => Promise<void>;
  /** Starts it again on the same socket. */
  readonly up: () => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface RunOptions {
  readonly cmd: readonly string[];
  /** Default `busybox:test`: every busybox applet, users root and nobody. */
  readonly image?: string;
  /** `host:container`, `:ro` behind it for read-only. */
  readonly binds?: readonly string[];
  /** Default `none`; `host` shares the host's ports, `bridge` needs a dockerd with `bridge: true`. */
  readonly network?: string;
  readonly env?: readonly string[];
  /** A command for the health check, asked every `everyMs` (default 200, the least that Docker takes is 1). */
  readonly health?: { readonly cmd: readonly string[]; readonly everyMs?: number };
  readonly more?: Docker.ContainerCreateOptions;
}

const putInOrder = `
ip link delete "$(cat "$1/bridge" 2>/dev/null)" 2>/dev/null
export DOCKER_HOST="unix://$1/docker.sock"
timeout 10 /usr/bin/docker ps -aq | xargs -r timeout 20 /usr/bin/docker rm -f
`;

/**
 * With `bridge`, containers have addresses that the host reaches, and no way out: the bridge is of our own making and goes
 * with the daemon, where docker0 and dockerd's firewall rules would stay on the machine.
 * `args` are added to the daemon's command line, say a TCP address with its certificates.
 */
export async function startDockerd(
  options: { readonly bridge?: boolean; readonly args?: readonly string[] } = {},
): Promise<Dockerd> {
  const { folder, start, release } = await leash("dockerd", putInOrder);
  const socket = path.join(folder, "docker.sock");
  const host = `unix://${socket}`;
  const docker = clientOf(socket);
  const bridge = options.bridge ? await addBridge(folder) : "none";
  const argv = commandLine(folder, host, bridge, options.args);
  const startDaemon = async (): Promise<LeashedServer> => {
    const server = start(argv);
    await server.becomes(() => answers(docker));
    return server;
  };
  let daemon: LeashedServer;
  try {
    daemon = await startDaemon();
  } catch (error) {
    await release();
    throw error;
  }
  const down = () => daemon.end();
  const up = async () => {
    daemon = await startDaemon();
  };
  return {
    folder,
    socket,
    host,
    docker,
    importRootfs: (image, rootfs) => importRootfs(docker, image, rootfs),
    run: (name, run) => runContainer(docker, folder, name, run),
    hang: () => daemon.signal("SIGSTOP"),
    wake: () => daemon.signal("SIGCONT"),
    down,
    crash: async () => {
      daemon.signal("SIGKILL");
      await daemon.end();
      // containerd died with it, perhaps as a zombie that nobody has reaped yet: the next daemon would take it for alive.
      await rm(path.join(folder, "exec/containerd/containerd.pid"), { force: true });
    },
    up,
    restart: () => down().then(up),
    stop: release,
  };
}

async function addBridge(folder: string): Promise<string> {
  const name = `cs-${folder.slice(-6)}`;
  await writeFile(path.join(folder, "bridge"), name);
  const ip = (...args: string[]) => promisify(execFile)("ip", args);
  await ip("link", "add", name, "type", "bridge");
  await ip("address", "add", `10.213.${randomInt(256)}.1/24`, "dev", name);
  await ip("link", "set", name, "up");
  return name;
}

function commandLine(folder: string, host: string, bridge: string, args: readonly string[] = []): string[] {
  return [
    "/usr/sbin/dockerd",
    ...["--host", host, "--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`],
    ...["--pidfile", `${folder}/docker.pid`, "--shutdown-timeout", "2"],
    ...[`--bridge=${bridge}`, "--iptables=false", "--ip6tables=false", "--ip-masq=false"],
    ...args,
  ];
}

/** The host must not come from DOCKER_HOST, which docker-modem prefers to a socketPath. */
function clientOf(socketPath: string): Docker {
  const before = process.env.DOCKER_HOST;
  delete process.env.DOCKER_HOST;
  try {
    return new Docker({ socketPath });
  } finally {
    if (before !== undefined) process.env.DOCKER_HOST = before;
  }
}

async function answers(docker: Docker): Promise<boolean> {
  try {
    await docker.listContainers({ abortSignal: AbortSignal.timeout(1000) });
    return true;
  } catch {
    return false;
  }
}

async function runContainer(docker: Docker, folder: string, name: string, options: RunOptions): Promise<string> {
  const image = options.image ?? "busybox:test";
  if (image === "busybox:test") await makeBusybox(docker, folder);
  const milli = 1_000_000;
  const every = (options.health?.everyMs ?? 200) * milli;
  const container = await docker.createContainer({
    name,
    Image: image,
    Cmd: [...options.cmd],
    Env: [...(options.env ?? [])],
    StopTimeout: 1,
    ...(options.health && {
      Healthcheck: { Test: ["CMD", ...options.health.cmd], Interval: every, Timeout: 2000 * milli, Retries: 1 },
    }),
    ...options.more,
    HostConfig: {
      Binds: [...(options.binds ?? [])],
      NetworkMode: options.network ?? "none",
      ...options.more?.HostConfig,
    },
  });
  await container.start();
  return container.id;
}

async function makeBusybox(docker: Docker, folder: string): Promise<void> {
  const known = await docker.listImages({ filters: { reference: ["busybox:test"] } });
  if (known.length > 0) return;
  const rootfs = path.join(folder, "busybox");
  for (const name of ["bin", "etc", "tmp"]) await mkdir(path.join(rootfs, name), { recursive: true });
  await cp("/bin/busybox", path.join(rootfs, "bin/busybox"), { dereference: true });
  const { stdout: applets } = await promisify(execFile)("/bin/busybox", ["--list"]);
  for (const applet of applets
    .trim()
    .split("\n")
    .filter((name) => name !== "busybox")) {
    await symlink("busybox", path.join(rootfs, "bin", applet));
  }
  await writeFile(path.join(rootfs, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
  await writeFile(path.join(rootfs, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  await importRootfs(docker, "busybox:test", rootfs);
  await rm(rootfs, { recursive: true });
}

async function importRootfs(docker: Docker, image: string, rootfs: string): Promise<void> {
  const tar = spawn("tar", ["-C", rootfs, "-c", "."], { stdio: ["ignore", "pipe", "inherit"] });
  const [repo, tag = "latest"] = image.split(":");
  const progress = await docker.importImage(tar.stdout, { repo, tag });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()));
  });
}
