import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { type Dockerd, startDockerd } from "../../support/dockerd.ts";

/** The real `docker run --env-file`: the command line reads the file, and a container says what its environment is. */
export interface DockerEnvFile {
  /** The variables of a container that ran with the file, in order; undefined if docker refuses the file. */
  readonly read: (text: string) => Promise<readonly (readonly [name: string, value: string])[] | undefined>;
  readonly stop: () => Promise<void>;
}

const image = "busybox:test";
/** Docker and the kernel add these. */
const own = new Set(["PATH", "HOSTNAME", "HOME"]);

export async function startDockerEnvFile(): Promise<DockerEnvFile> {
  const dockerd = await startDockerd();
  await dockerd.run("first", { cmd: ["true"] });
  const file = path.join(dockerd.folder, "env-file");
  return {
    read: async (text) => {
      await writeFile(file, text);
      return runWith(dockerd, file);
    },
    stop: dockerd.stop,
  };
}

async function runWith(dockerd: Dockerd, file: string) {
  const args = ["run", "--rm", "--network", "none", "--env-file", file, image, "/bin/cat", "/proc/self/environ"];
  const options = {
    env: { DOCKER_HOST: dockerd.host },
    encoding: "buffer",
    maxBuffer: 1 << 28,
    timeout: 60_000,
  } as const;
  try {
    const { stdout } = await promisify(execFile)("/usr/bin/docker", args, options);
    const lines = stdout.toString("utf8").split("\0").slice(0, -1);
    return lines.map(splitPair).filter(([name]) => !own.has(name));
  } catch (error) {
    // 125: docker itself says no, before there is a container; 126 and 127: the container could not run.
    const { code, stderr } = error as { code?: number; stderr?: Buffer };
    if (code === 125) return undefined;
    throw new Error(`docker run failed: ${stderr?.toString("utf8") ?? String(error)}`, { cause: error });
  }
}

function splitPair(line: string): readonly [string, string] {
  const equals = line.indexOf("=");
  return [line.slice(0, equals), line.slice(equals + 1)];
}
