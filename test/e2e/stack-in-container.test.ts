import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll } from "vitest";
import type { StatusReport } from "../../src/sync/status.ts";
import { buildImage } from "../support/image.ts";
import { type Stack, startStack } from "../support/stack.ts";
import { tellStackStory } from "../support/stack-story.ts";

const exec = promisify(execFile);
const ends: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

tellStackStory("the daemon in its own container", async () => {
  const stack = await startStack();
  ends.push(stack.stop);
  const image = await buildImage(stack.dockerd);
  await runDaemon(stack, image);
  return {
    stack,
    status: async () => {
      const env = { ...process.env, DOCKER_HOST: stack.dockerd.host };
      const argv = ["exec", "config-sync", "config-sync", "status", "--json"];
      const { stdout } = await exec("/usr/bin/docker", argv, { env, timeout: 30_000 });
      return JSON.parse(stdout) as StatusReport;
    },
  };
});

/** As docker/compose.yaml does it: folders, never single files, and the sockets of who is to be told. */
function runDaemon({ workspace, dockerd, supervisord }: Stack, image: string): Promise<string> {
  const shared = [workspace.folder, supervisord.folder].map((folder) => `${folder}:${folder}`);
  return dockerd.run("config-sync", {
    image,
    cmd: ["start"],
    network: "host",
    env: [`CONFIG_SYNC_WORKSPACE=${workspace.folder}`],
    // The service's own check is a program of the service: an image for a real stack would install it.
    binds: [...shared, `${dockerd.socket}:${dockerd.socket}`, "/usr/sbin/nginx:/usr/sbin/nginx:ro"],
  });
}
