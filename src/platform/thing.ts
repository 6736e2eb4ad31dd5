/** What runs outside of us and starts, ends or is exchanged without asking: the name that a reload or probe knows it by. */
export interface Thing {
  readonly kind: "container" | "program";
  /** A container's name or id; `group:program`, or the one name of a lone program or a whole group. */
  readonly name: string;
}

/** Look at this thing again; without a name, at every one of its kind. A hint may be wrong or late, so it says no more. */
export interface ThingHint {
  readonly kind: Thing["kind"];
  readonly name?: string | undefined;
}

/** Whether the hint is a reason to look at the thing. Programs are told apart by their groups, which are updated as a whole. */
export function isAbout(hint: ThingHint, thing: Thing): boolean {
  if (hint.kind !== thing.kind) return false;
  if (hint.name === undefined || hint.name === thing.name) return true;
  return thing.kind === "program" && groupOf(hint.name) === groupOf(thing.name);
}

/** `web` for `web:web_0`, and for the lone program `web`. */
export function groupOf(program: string): string {
  return program.split(":")[0] ?? program;
}
