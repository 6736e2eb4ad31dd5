import { execFile } from "node:child_process";
import { chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Dockerd, startDockerd } from "../support/dockerd.ts";
import { buildImage } from "../support/image.ts";
import { makeWorkspace, runCli, type Workspace } from "../support/workspace.ts";

describe("the image", () => {
  let dockerd: Dockerd;
  let workspace: Workspace;
  let image: string;

  beforeAll(async () => {
    workspace = await makeWorkspace({});
    dockerd = await startDockerd();
    image = await buildImage(dockerd);
  }, 400_000);

  afterAll(async () => {
    await dockerd?.stop();
    await workspace?.remove();
  });

  it("runs the command as its entry point", async () => {
    const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
    expect(await docker("run", "--rm", "--network", "none", image, "--version")).toBe(`${version}\n`);
  });

  it("keeps other users' files theirs, with no more rights than compose.yaml leaves it", async () => {
    await runCli(["init", workspace.folder, "--preset", "minimal"]);
    const file = await makeForeignFile(workspace, "services/app/.env", "MINE=kept\nAPP_PORT=1\n");
    await docker(
      "run",
      "-d",
      "--name",
      "cs",
      "--network",
      "none",
      ...(await rights()),
      "-v",
      `${workspace.folder}:/etc/config-sync`,
      image,
    );

    await docker("exec", "cs", "config-sync", "wait", "demo-app", "--timeout", "20s");
    expect(await readFile(file, "utf8")).toMatch(/^MINE=kept\nAPP_PORT=8080\n/);
    expect(await stat(file)).toMatchObject({ uid: 1234, gid: 1234, mode: 0o100640 });
  });

  it("ends in order when it is stopped", async () => {
    await docker("stop", "--time", "20", "cs");
    expect(await docker("inspect", "-f", "{{.State.ExitCode}}", "cs")).toBe("0\n");
  });

  async function docker(...args: string[]): Promise<string> {
    const env = { ...process.env, DOCKER_HOST: dockerd.host };
    return (await promisify(execFile)("/usr/bin/docker", args, { env, timeout: 30_000 })).stdout;
  }
});

const root = path.join(import.meta.dirname, "../..");

/** The example's rights, as options of `docker run`. */
async function rights(): Promise<string[]> {
  const { services } = parse(await readFile(path.join(root, "docker/compose.yaml"), "utf8"));
  const { cap_drop, cap_add, security_opt } = services["config-sync"];
  const option = (name: string, values: string[]) => values.flatMap((value) => [name, value]);
  return [
    ...option("--cap-drop", cap_drop),
    ...option("--cap-add", cap_add),
    ...option("--security-opt", security_opt),
  ];
}

/** A file and its folder that belong to a user who lets nobody else in. */
async function makeForeignFile(workspace: Workspace, name: string, content: string): Promise<string> {
  const file = workspace.at(name);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, content, { mode: 0o600 });
  for (const one of [file, path.dirname(file)]) await chown(one, 1234, 1234);
  return file;
}
