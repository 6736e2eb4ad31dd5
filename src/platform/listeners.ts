/** Who listens for TCP connections on this host, as the kernel says; on other systems than Linux, nobody is known. */
import { readdir, readFile, readlink } from "node:fs/promises";

/** Somebody listens there. */
export interface Listener {
  /** The name of the program with its process number; undefined where that is not for us to see. */
  readonly program: string | undefined;
}

/**
 * Those of the ports that somebody listens on, on whichever address. In a container these are the ports of the container's own network.
 * Programs are named only where they are ours to look at: root sees all, others their own.
 */
export async function findListeners(ports: Iterable<number>): Promise<ReadonlyMap<number, Listener>> {
  const asked = new Set(ports);
  if (asked.size === 0) return new Map();
  const sockets = (await Promise.all([readSockets("tcp"), readSockets("tcp6")])).flat();
  const found = new Map(sockets.flatMap(({ port, inode }) => (asked.has(port) ? [[inode, port] as const] : [])));
  const programs = await findPrograms(new Set(found.keys()));
  const listeners = new Map<number, Listener>();
  for (const [inode, port] of found) {
    const program = programs.get(inode) ?? listeners.get(port)?.program;
    listeners.set(port, { program });
  }
  return listeners;
}

interface Socket {
  readonly port: number;
  readonly inode: string;
}

/** A line a socket: its number, local address and port in hexadecimal, remote, state, four fields more, inode. */
async function readSockets(protocol: "tcp" | "tcp6"): Promise<Socket[]> {
  const text = await readFile(`/proc/net/${protocol}`, "utf8").catch(() => "");
  return text.split("\n").flatMap((line): Socket[] => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16);
    return state === listening && port > 0 ? [{ port, inode }] : [];
  });
}

/** TCP_LISTEN, of the kernel's own numbers. */
const listening = "0A";

/** By the inode of the socket. */
async function findPrograms(inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (inodes.size === 0) return found;
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const process of processes) {
    for (const inode of await socketsOf(process)) {
      if (!inodes.has(inode) || found.has(inode)) continue;
      found.set(inode, `${await nameOf(process)} (pid ${process})`);
      if (found.size === inodes.size) return found;
    }
  }
  return found;
}

async function socketsOf(process: string): Promise<string[]> {
  const folder = `/proc/${process}/fd`;
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

/** A program may give itself any name. */
async function nameOf(process: string): Promise<string> {
  const name = await readFile(`/proc/${process}/comm`, "utf8").catch(() => "");
  return name.trim().replace(/[^\x20-\x7e]/g, "?") || "a program";
}
