import { addAbortSignal, type Duplex, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { ConfigSyncError } from "../errors.ts";
import type { ExecOptions, ExecResult } from "./docker.ts";
import { statusOf } from "./docker-errors.ts";
import { collectOutput, type Output } from "./output.ts";

/**
 * Runs a command in a container and waits for its end. Where the signal ends the waiting, the command goes on: the Docker API has
 * no call to stop it.
 */
export async function runInContainer(
  container: Dockerode.Container,
  argv: readonly string[],
  signal: AbortSignal,
  { user, workdir, redact = (text) => text }: ExecOptions = {},
): Promise<ExecResult> {
  const exec = await container.exec({
    Cmd: [...argv],
    AttachStdout: true,
    AttachStderr: true,
    User: user,
    WorkingDir: workdir,
    abortSignal: signal,
  });
  const stream = await exec.start({ Detach: false, Tty: false, abortSignal: signal });
  const output = await readOutput(container, stream, signal);
  return { exitCode: await exitCodeOf(exec, container.id, signal), output: output.text(redact) };
}

async function readOutput(container: Dockerode.Container, stream: Duplex, signal: AbortSignal): Promise<Output> {
  const output = collectOutput();
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      output.add(chunk);
      done();
    },
  });
  container.modem.demuxStream(addAbortSignal(signal, stream), sink, sink);
  await finished(stream, { writable: false });
  return output;
}

/** The stream can end a moment before the daemon knows the exit code. */
async function exitCodeOf(exec: Dockerode.Exec, name: string, signal: AbortSignal): Promise<number> {
  while (true) {
    const { ExitCode } = await exec.inspect({ abortSignal: signal }).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw error;
      throw new ConfigSyncError("UNREACHABLE", `container "${name}" stopped while a command ran in it`);
    });
    if (ExitCode !== null) return ExitCode;
    await sleep(20, undefined, { signal });
  }
}
