import { createSupervisord, type Supervisord } from "../../../src/platform/supervisord.ts";
import { type Greeters, makeGreeters } from "../../support/greeters.ts";
import { type SupervisordServer, startSupervisord } from "../../support/supervisord.ts";

/** One service a program, one program a way to be told. */
export const programs = ["restarted", "signalled"] as const;
const actions = { restarted: "action: restart", signalled: "action: signal, signal: HUP" };
/**
 * supervisord calls an end a failed start only within `startsecs`, however slow the machine was; `restarted` waits that long.
 * Two tries more keep BACKOFF up for three seconds.
 */
const starts = { restarted: { startsecs: 4, startretries: 2 }, signalled: { startsecs: 1, startretries: 2 } };

export interface SupervisedGreeters {
  readonly server: SupervisordServer;
  readonly supervisord: Supervisord;
  readonly greeters: Greeters;
  readonly stop: () => Promise<void>;
}

/** A real supervisord with a greeter a program; the daemon is the test's to start. `sync` is that part of the settings. */
export async function superviseGreeters(sync: string): Promise<SupervisedGreeters> {
  const server = await startSupervisord({});
  const manners = programs.map((name) => {
    const reload = `{ supervisord: { program: ${name}, ${actions[name]} } }`;
    return [name, { reload, probe: `supervisord: { program: ${name} }` }];
  });
  const greeters = await makeGreeters(
    Object.fromEntries(manners),
    `supervisord: { url: "${server.url}" }\nsync: ${sync}`,
  );
  const commands = programs.map((name) => {
    const command = `sh ${greeters.folder(name)}/run.sh ${greeters.folder(name)}`;
    return [name, { command, ...starts[name], stopwaitsecs: 2 }];
  });
  await server.write(Object.fromEntries(commands));
  const supervisord = await createSupervisord({ url: server.url });
  for (const name of programs) await supervisord.update(name, new AbortController().signal);
  const stop = async (): Promise<void> => {
    await greeters.stop();
    await server.stop();
  };
  return { server, supervisord, greeters, stop };
}
