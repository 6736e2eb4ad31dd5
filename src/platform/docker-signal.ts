import type { Docker } from "./docker.ts";
import type { ContainerState } from "./docker-state.ts";

/**
 * Sends a signal to the main process of a running container, and leaves its restart policy as it is.
 *
 * Docker takes every `docker kill` for the beginning of the end, whatever the signal: it will not start the container again
 * when that later ends by itself (moby issues 11065 and 41302; seen with 20.10: after a HUP, `restart: always` did nothing until
 * the next start). So a container that is to be restarted gets its signal from inside, where that is possible: there must be
 * a shell, and a socket proxy must allow exec. The main process gets the same either way.
 */
export async function signalContainer(
  docker: Pick<Docker, "exec" | "kill">,
  container: { readonly name: string; readonly state: ContainerState | undefined },
  signalName: string,
  signal: AbortSignal,
): Promise<void> {
  const { name, state } = container;
  // With `pid: host`, process 1 would be the host's.
  const fromInside = state?.restarts === true && state.ownPids;
  if (fromInside && (await signalFromInside(docker, name, signalName, signal))) return;
  await docker.kill(name, signalName, signal);
}

/** `$1` is no text of the shell's. What goes wrong here, the other way says better. */
async function signalFromInside(
  docker: Pick<Docker, "exec">,
  name: string,
  signalName: string,
  signal: AbortSignal,
): Promise<boolean> {
  const argv = ["sh", "-c", 'kill -s "$1" 1', "sh", signalName.replace(/^SIG/, "")];
  const ended = await docker.exec(name, argv, signal, { user: "0", workdir: "/" }).catch(() => undefined);
  return ended?.exitCode === 0;
}
