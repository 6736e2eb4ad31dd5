/**
 * A circle in who depends on whom, as names from one back to itself (`["a", "b", "a"]`), or undefined. Dependencies that
 * are not among the given services do not count.
 */
export function findCycle(
  services: readonly { readonly name: string; readonly dependsOn: readonly string[] }[],
): readonly string[] | undefined {
  const dependencies = new Map(services.map(({ name, dependsOn }) => [name, dependsOn]));
  const finished = new Set<string>();
  for (const { name } of services) {
    const cycle = walk(name);
    if (cycle !== undefined) return cycle;
  }
  return undefined;

  /** Depth first, without recursion: a chain of thousands of services is no reason to overflow. */
  function walk(start: string): readonly string[] | undefined {
    const trail: { name: string; left: string[] }[] = [{ name: start, left: [...(dependencies.get(start) ?? [])] }];
    const onTrail = new Set([start]);
    for (let step = trail.at(-1); step !== undefined; step = trail.at(-1)) {
      const next = step.left.shift();
      if (next === undefined) {
        finished.add(step.name);
        onTrail.delete(step.name);
        trail.pop();
      } else if (onTrail.has(next)) {
        const names = trail.map(({ name }) => name);
        return [...names.slice(names.indexOf(next)), next];
      } else if (dependencies.has(next) && !finished.has(next)) {
        onTrail.add(next);
        trail.push({ name: next, left: [...(dependencies.get(next) ?? [])] });
      }
    }
    return undefined;
  }
}
