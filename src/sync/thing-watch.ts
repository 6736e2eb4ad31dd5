import type { ActionContext } from "../platform/context.ts";
import { watchContainers } from "../platform/docker-watch.ts";
import { watchPrograms } from "../platform/supervisord-watch.ts";
import type { Service } from "../services/catalog.ts";
import type { Engine } from "./engine.ts";

/**
 * Tells the engine what happens to the containers and programs that the services run as. Begins when the first work is done: the
 * clients take a third of a second to load, and a changed file is not to wait for that. Where no service has to do with Docker or
 * supervisord, nobody connects to it.
 */
export function watchThings(
  engine: Pick<Engine, "hint" | "idle">,
  services: readonly Service[],
  { docker, supervisord }: Pick<ActionContext, "docker" | "supervisord">,
): () => Promise<void> {
  const kinds = new Set(services.flatMap(kindsOf));
  const stops: (() => Promise<void>)[] = [];
  let isStopped = false;
  void engine.idle().then(() => {
    if (isStopped) return;
    if (kinds.has("docker")) stops.push(watchContainers(docker, engine.hint));
    if (kinds.has("supervisord")) stops.push(watchPrograms(supervisord, engine.hint));
  });
  return async () => {
    isStopped = true;
    await Promise.all(stops.map((stop) => stop()));
  };
}

function kindsOf({ manifest }: Service): string[] {
  return [...manifest.reload.map(({ action }) => action), ...manifest.probes].map(({ kind }) => kind.kind);
}
