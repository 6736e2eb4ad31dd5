import type { Format } from "../formats/format.ts";
import { loadCompiler, type Template } from "./template.ts";
import type { Branch } from "./tree.ts";

/** A value of a manifest with its strings filled in; the second one for people, secrets as tags. */
export interface Filled {
  readonly value: unknown;
  readonly masked: unknown;
  readonly used: readonly string[];
}

/** A value of a manifest whose strings may hold `{{…}}`, ready to be filled in any number of times. */
export type Fill = (tree: Branch) => Filled;

/**
 * Compiles every string in a value. `text` is the format that the strings are written in, `file` the manifest, for errors.
 * What holds no template is passed on as it is, each time as the same object, and then Handlebars is not even loaded.
 */
export async function compileFill(value: unknown, text: Format, file: string): Promise<Fill> {
  const asItIs: Filled = { value, masked: value, used: [] };
  if (!holdsTemplate(value)) return () => asItIs;
  const compile = await loadCompiler();
  const fill = prepare(value, (string) => compile(string, file));
  return (tree) => {
    const used = new Set<string>();
    const { exact, masked } = fill(tree, text, used);
    return { value: exact, masked, used: [...used] };
  };
}

type Prepared = (tree: Branch, text: Format, used: Set<string>) => { exact: unknown; masked: unknown };

function holdsTemplate(value: unknown): boolean {
  if (typeof value === "string") return value.includes("{{");
  return typeof value === "object" && value !== null && Object.values(value).some(holdsTemplate);
}

function prepare(value: unknown, compile: (text: string) => Template): Prepared {
  if (!holdsTemplate(value)) return () => ({ exact: value, masked: value });
  if (typeof value === "string") {
    const template = compile(value);
    return (tree, text, used) => {
      const rendering = template.render(tree, text);
      for (const key of rendering.used) used.add(key);
      return { exact: rendering.text, masked: rendering.maskedText };
    };
  }
  const members = Object.entries(value as object).map(([key, member]) => ({ key, fill: prepare(member, compile) }));
  return (tree, text, used) => {
    const parts = members.map(({ key, fill }) => ({ key, ...fill(tree, text, used) }));
    if (Array.isArray(value))
      return { exact: parts.map((part) => part.exact), masked: parts.map((part) => part.masked) };
    return {
      exact: Object.fromEntries(parts.map((part) => [part.key, part.exact])),
      masked: Object.fromEntries(parts.map((part) => [part.key, part.masked])),
    };
  };
}
