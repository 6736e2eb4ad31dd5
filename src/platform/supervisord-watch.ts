import { deadline } from "./deadline.ts";
import { takeRounds } from "./rounds.ts";
import type { ProcessInfo, Supervisord } from "./supervisord.ts";
import type { ThingHint } from "./thing.ts";

/**
 * Calls `onHint` whenever a program was started, ended, changed its state, came or went. supervisord has no events for those
 * who talk to it by XML-RPC, so all programs are looked at every `every` milliseconds: one call, two milliseconds of work.
 * Hints name groups.
 *
 * When supervisord answers after it did not, the first time too, there is a hint about every program. Never throws.
 */
export function watchPrograms(
  supervisord: () => Promise<Supervisord>,
  onHint: (hint: ThingHint) => void,
  { every = 2000 }: { readonly every?: number } = {},
): () => Promise<void> {
  let known: Groups | undefined;
  return takeRounds(async (signal) => {
    const now = await look(supervisord, signal).catch(() => undefined);
    for (const hint of compare(known, now)) onHint(hint);
    known = now;
    return every;
  });
}

/** By group: what must be the same for nothing to have happened. */
type Groups = ReadonlyMap<string, string>;

async function look(supervisord: () => Promise<Supervisord>, signal: AbortSignal): Promise<Groups> {
  const programs = await (await supervisord()).all(deadline(signal, 5000));
  const groups = Map.groupBy(programs, ({ group }) => group);
  return new Map([...groups].map(([group, members]) => [group, members.map(describe).join(" ")]));
}

function describe({ name, state, pid, startedAt }: ProcessInfo): string {
  return `${name} ${state} ${pid} ${startedAt}`;
}

function compare(before: Groups | undefined, now: Groups | undefined): ThingHint[] {
  if (now === undefined) return [];
  if (before === undefined) return [{ kind: "program" }];
  const groups = new Set([...before.keys(), ...now.keys()]);
  return [...groups]
    .filter((group) => before.get(group) !== now.get(group))
    .map((name) => ({ kind: "program" as const, name }));
}
