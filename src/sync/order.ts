import type { Service } from "../services/catalog.ts";

/** For each service all those that go before it, directly or not. Dependencies that are not enabled do not count. */
export function followDependencies(services: readonly Service[]): ReadonlyMap<string, ReadonlySet<string>> {
  const direct = new Map(services.map(({ name, manifest }) => [name, manifest.dependsOn]));
  const all = new Map<string, ReadonlySet<string>>();
  const follow = (name: string): ReadonlySet<string> => {
    const known = all.get(name);
    if (known !== undefined) return known;
    const found = new Set<string>();
    // Entered before it is filled: a cycle, which the catalog refuses, would otherwise never end.
    all.set(name, found);
    for (const other of direct.get(name) ?? []) {
      if (!direct.has(other)) continue;
      found.add(other);
      for (const further of follow(other)) found.add(further);
    }
    return found;
  };
  for (const name of direct.keys()) follow(name);
  return all;
}

/** Names in the order in which they are applied: what is needed comes first, else as they were given. */
export function inOrder(services: readonly Service[]): string[] {
  const before = followDependencies(services);
  const done = new Set<string>();
  const visit = (name: string): void => {
    if (done.has(name)) return;
    for (const other of before.get(name) ?? []) if (other !== name && !before.get(other)?.has(name)) visit(other);
    done.add(name);
  };
  for (const { name } of services) visit(name);
  return [...done];
}

/** The other way round: for each service those that name it as a dependency, directly or not. */
export function invert(before: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>();
  for (const [name, others] of before) {
    for (const other of others) {
      const known = dependents.get(other);
      if (known === undefined) dependents.set(other, [name]);
      else known.push(name);
    }
  }
  return dependents;
}
