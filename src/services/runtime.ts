import { formatPath, type Path } from "../config/path.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { asText, helpers, isList, isTruthy, type Operand } from "./helpers.ts";
import type { Site } from "./rewrite.ts";
import { type Branch, child, type Text } from "./tree.ts";
import type { WrittenValue } from "./write.ts";

/** One rendering of one template, and what it gathers. */
export interface Run {
  readonly sites: readonly Site[];
  readonly used: Set<string>;
  readonly values: WrittenValue[];
  size: number;
  rounds: number;
}

export function startRun(sites: readonly Site[]): Run {
  return { sites, used: new Set(), values: [], size: 0, rounds: 0 };
}

/** Holds a rendering to 16 MiB of output. Throws TEMPLATE_INVALID. */
export function countText(run: Run, text: string): void {
  run.size += text.length;
  if (run.size <= 16 * 1024 * 1024) return;
  throw new ConfigSyncError("TEMPLATE_INVALID", "renders more than 16 MiB");
}

function countRound(run: Run): void {
  run.rounds++;
  if (run.rounds <= 100_000) return;
  throw new ConfigSyncError("TEMPLATE_INVALID", "goes more than 100,000 rounds through #each");
}

/** The part of Handlebars' own last argument that is used here. */
interface Frame {
  readonly data: { readonly run: Run };
  readonly fn: (context: unknown, options?: unknown) => string;
  readonly inverse: (context: unknown) => string;
}

/** What a rewritten template calls. */
export const runtimeHelpers: Readonly<Record<string, (this: unknown, ...args: never[]) => unknown>> = {
  get: (number: number, base: Operand, { data }: Frame) => lookUp(base, siteOf(number, data.run).steps, data.run),
  call: (number: number, ...args: (Operand | Frame)[]) => {
    const { data } = args.pop() as Frame;
    const operands = args as Operand[];
    const site = siteOf(number, data.run);
    return at(site, () => helpers.get(site.helper)?.run(...operands));
  },
  write: (number: number, operand: Operand, { data }: Frame) => {
    const site = siteOf(number, data.run);
    const value = at(site, () => asText(operand));
    at(site, () => countText(data.run, value.text));
    return `v${data.run.values.push({ value, site }) - 1} `;
  },
  if(_: number, subject: Operand, { fn, inverse, data }: Frame) {
    return holds(subject, data.run) ? fn(this) : inverse(this);
  },
  unless(_: number, subject: Operand, { fn, inverse, data }: Frame) {
    return holds(subject, data.run) ? inverse(this) : fn(this);
  },
  with(_: number, subject: Operand, { fn, inverse, data }: Frame) {
    return isTruthy(subject) ? fn(subject, { data, blockParams: [subject] }) : inverse(this);
  },
  each(number: number, subject: Operand, { fn, inverse, data }: Frame) {
    const members = at(siteOf(number, data.run), () => membersOf(subject, data.run));
    if (members.length === 0) return inverse(this);
    return members
      .map(([key, member], index) => {
        at(siteOf(number, data.run), () => countRound(data.run));
        const frame = { ...data, key, index, first: index === 0, last: index === members.length - 1, _parent: data };
        return fn(member, { data: frame, blockParams: [member, key] });
      })
      .join("");
  },
};

function siteOf(number: number, { sites }: Run): Site {
  return sites[number] ?? { line: 1, column: 1, steps: [], helper: "", raw: false };
}

function lookUp(base: Operand, steps: readonly string[], run: Run): Operand {
  if (typeof base !== "object" || isList(base)) return steps.length === 0 ? base : missing(steps);
  let node = base;
  for (const step of steps) node = child(node, step);
  if (node.kind === "text" && node.tracked === true && node.key !== undefined) run.used.add(node.key);
  if (node.kind === "missing" && node.tracked) run.used.add(formatPath(node.path));
  return node;
}

function missing(path: Path): Operand {
  return { kind: "missing", path, tracked: false };
}

/** Whoever asks whether a section is there, or goes through it, uses the whole of it. */
function holds(subject: Operand, run: Run): boolean {
  useWhole(subject, run);
  return isTruthy(subject);
}

function membersOf(subject: Operand, run: Run): readonly (readonly [string | number, Text | Branch])[] {
  useWhole(subject, run);
  if (!isTruthy(subject) || subject === undefined) return [];
  if (isList(subject)) return subject.map((item, index) => [index, item]);
  if (typeof subject === "object" && subject.kind === "branch") return [...subject.children];
  throw new ConfigSyncError("TEMPLATE_INVALID", "#each goes through a section or a list, and this is a single value", {
    hint: 'Make a list of it: {{#each (split x ",")}}',
  });
}

function useWhole(subject: Operand, run: Run): void {
  if (typeof subject !== "object" || isList(subject) || subject.kind !== "branch" || !subject.tracked) return;
  if (subject.path.length > 0) run.used.add(formatPath(subject.path));
  else for (const name of subject.children.keys()) run.used.add(name);
}

function at<T>(site: Site, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asConfigSyncError(error).with({ place: { line: site.line, column: site.column } });
  }
}
