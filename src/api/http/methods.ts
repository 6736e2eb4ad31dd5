/** Which methods a path has, to tell "not in this way" (405) from "not there" (404). */
import type { FastifyInstance } from "fastify";

/** Returns a function that gives the methods of the routes that a path belongs to; none where nothing is there. */
export function createMethodFinder(server: Pick<FastifyInstance, "addHook">): (path: string) => string[] {
  const routes: { readonly method: string; readonly parts: readonly string[] }[] = [];
  server.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, parts: url.split("/") });
  });
  return (path) => {
    const asked = path.split("/");
    const fitting = routes.filter(({ parts }) => fits(parts, asked));
    return [...new Set(fitting.map(({ method }) => method))].sort();
  };
}

function fits(parts: readonly string[], asked: readonly string[]): boolean {
  if (parts.at(-1) === "*")
    return asked.length >= parts.length && fits(parts.slice(0, -1), asked.slice(0, parts.length - 1));
  return parts.length === asked.length && parts.every((part, index) => part.startsWith(":") || part === asked[index]);
}
