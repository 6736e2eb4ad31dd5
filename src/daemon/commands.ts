/** What the API has done by the engine, each resolved when nothing is left to do now; and how everything stands. */
import { ConfigSyncError } from "../errors.ts";
import type { Engine } from "../sync/engine.ts";
import { inOrder } from "../sync/order.ts";
import { reportStatus, type StatusReport } from "../sync/status.ts";
import { surveyServices } from "../sync/survey.ts";
import { version } from "../version.ts";
import type { Workspace } from "../workspace.ts";
import type { Running } from "./running.ts";
import type { Succession } from "./succession.ts";
import type { Telling } from "./telling.ts";

export interface Commands {
  readonly status: () => Promise<StatusReport>;
  /** Looks at everything again and does what is to be done. */
  readonly apply: () => Promise<void>;
  /** The same for one service, which is reloaded in any case. Throws NOT_FOUND. */
  readonly reload: (service: string) => Promise<void>;
  /** The same for one service, for which what was given up or waits is tried now. Throws NOT_FOUND. */
  readonly retry: (service: string) => Promise<void>;
}

export function commandsOf(succession: Succession, { tellAll }: Pick<Telling, "tellAll">): Commands {
  const since = Date.now();

  const status = async (): Promise<StatusReport> => {
    const { workspace, engine, ledger } = await succession.current();
    const { problems, renderings, running } = engine.state();
    const { digest, settings } = workspace;
    const surveyed = await surveyServices(renderings, { ledger, digest, roots: settings.roots });
    return reportStatus({
      daemon: { pid: process.pid, since, version },
      names: inOrder(workspace.services),
      problems: [...succession.problems(), ...problems],
      ...{ ledger, surveyed, running },
    });
  };

  /** Where the workspace is replaced in the middle, the one that comes is asked for the same. */
  const work = async (ask: (engine: Engine) => void, service?: string): Promise<void> => {
    for (let asked: Running | undefined; ; ) {
      const running = await succession.current();
      if (service !== undefined) requireService(running.workspace, service);
      if (running === asked) break;
      asked = running;
      ask(running.engine);
      await running.engine.settled();
    }
    // Whoever follows the events knows of all of it before the answer.
    tellAll();
  };

  return {
    status,
    apply: () => work((engine) => engine.lookAtEverything()),
    reload: (service) => work((engine) => engine.force(service), service),
    retry: (service) => work((engine) => engine.retry(service), service),
  };
}

/** Throws NOT_FOUND for a service that is not enabled, with the names of those that are. */
export function requireService({ services }: Workspace, service: string): void {
  const names = inOrder(services);
  if (names.includes(service)) return;
  throw new ConfigSyncError("NOT_FOUND", `there is no service "${service}" here`, {
    hint: `There are: ${names.join(", ")}`,
  });
}
