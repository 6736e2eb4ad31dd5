import { parseFailed } from "./refusal.ts";

/** A value of Python's BasicInterpolation: its pieces with `%%` resolved, and references to other keys. */
export interface Template {
  readonly pieces: readonly (string | Reference)[];
  /** No `%` in it at all. */
  readonly isPlain: boolean;
  /** It has a `%` that is neither `%%` nor part of `%(name)s`. The pieces hold it as it stands, Python refuses it. */
  readonly hasLonePercent: boolean;
}

export interface Reference {
  /** Lower-cased, as keys are. */
  readonly key: string;
}

/** What values that are made from others may cost in a file, in characters. Ten levels of references can make 10^30. */
export interface Budget {
  left: number;
}

export const depthLimit = 10;

export type Templates = ReadonlyMap<string, Template>;

/**
 * The values of a section by key, references resolved. What cannot be resolved is absent: it refers to a key that is not
 * there, or in a circle, or more than ten levels deep (Python's MAX_INTERPOLATION_DEPTH); or it has a lone `%`, unless
 * that is to be taken literally.
 */
export function interpolate(
  templates: Templates,
  budget: Budget,
  lonePercent: "literal" | "refused",
): Map<string, string> {
  const values = new Map<string, string>();
  const depths = new Map<string, number>();
  const { ready, unresolved, dependents } = orderByReference(templates);
  // Grows while it is walked: a key is ready as soon as all that it refers to are resolved.
  for (const key of ready) {
    const template = templates.get(key);
    if (template === undefined || (template.hasLonePercent && lonePercent === "refused")) continue;
    const depth = depthOf(template, depths);
    if (depth > depthLimit) continue;
    depths.set(key, depth);
    values.set(key, fill(template, values, budget));
    for (const dependent of dependents.get(key) ?? []) {
      const left = (unresolved.get(dependent) ?? 0) - 1;
      unresolved.set(dependent, left);
      if (left === 0) ready.push(dependent);
    }
  }
  return values;
}

/** A section's own templates, and those of `[DEFAULT]` that it refers to, directly or not. */
export function withReferred(own: Templates, defaults: Templates, budget: Budget): Templates {
  const templates = new Map(own);
  const queue = [...own.values()];
  for (const template of queue) {
    for (const key of referencesOf(template)) {
      const referred = templates.has(key) ? undefined : defaults.get(key);
      if (referred === undefined) continue;
      spend(budget, 0);
      templates.set(key, referred);
      queue.push(referred);
    }
  }
  return templates;
}

function orderByReference(templates: Templates): {
  readonly ready: string[];
  readonly unresolved: Map<string, number>;
  readonly dependents: ReadonlyMap<string, readonly string[]>;
} {
  const ready: string[] = [];
  const unresolved = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const [key, template] of templates) {
    const references = referencesOf(template);
    if (references.length === 0) ready.push(key);
    else unresolved.set(key, references.length);
    for (const reference of references) {
      const others = dependents.get(reference);
      if (others === undefined) dependents.set(reference, [key]);
      else others.push(key);
    }
  }
  return { ready, unresolved, dependents };
}

function depthOf(template: Template, depths: ReadonlyMap<string, number>): number {
  if (template.isPlain) return 0;
  return 1 + referencesOf(template).reduce((deepest, key) => Math.max(deepest, depths.get(key) ?? 0), 0);
}

function fill({ pieces, isPlain }: Template, values: ReadonlyMap<string, string>, budget: Budget): string {
  const texts = pieces.map((piece) => (typeof piece === "string" ? piece : (values.get(piece.key) ?? "")));
  if (isPlain) return texts[0] ?? "";
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  spend(budget, length);
  return texts.join("");
}

/** The keys that a value refers to, each once. */
export function referencesOf({ pieces, isPlain }: Template): string[] {
  if (isPlain) return [];
  return [...new Set(pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.key])))];
}

export function createBudget(): Budget {
  return { left: 16 * 1024 * 1024 };
}

/** Each value that is made costs its length and something for itself. Throws PARSE_FAILED when there is nothing left. */
export function spend(budget: Budget, length: number): void {
  budget.left -= length + 64;
  if (budget.left < 0) {
    throw parseFailed("references and [DEFAULT] make more than 16 MiB of values", {}, "Refer to less");
  }
}

export function parseTemplate(literal: string): Template {
  const pieces: (string | Reference)[] = [];
  let hasLonePercent = false;
  let from = 0;
  let closing = -1;
  let at = literal.indexOf("%");
  const isPlain = at < 0;
  while (at >= 0) {
    const next = literal[at + 1];
    // Looked for again only when passed: a text of nothing but `%(` stays linear.
    if (next === "(" && closing < at) closing = indexOrEnd(literal, ")", at);
    if (next === "%") {
      pieces.push(literal.slice(from, at + 1));
      from = at + 2;
    } else if (next === "(" && closing > at + 2 && literal[closing + 1] === "s") {
      pieces.push(literal.slice(from, at), { key: literal.slice(at + 2, closing).toLowerCase() });
      from = closing + 2;
    } else {
      hasLonePercent = true;
    }
    at = literal.indexOf("%", Math.max(from, at + 1));
  }
  pieces.push(literal.slice(from));
  return { pieces, isPlain, hasLonePercent };
}

function indexOrEnd(text: string, search: string, from: number): number {
  const index = text.indexOf(search, from);
  return index < 0 ? text.length : index;
}
