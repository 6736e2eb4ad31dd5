import type Handlebars from "handlebars";
import { asConfigSyncError, ConfigSyncError, type Place } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { type Rewritten, rewriteTemplate } from "./rewrite.ts";
import { countText, runtimeHelpers, startRun } from "./runtime.ts";
import type { Branch } from "./tree.ts";
import { type Rendering, type Stretch, writeStretches } from "./write.ts";

/** A template, ready to render. Rendering is synchronous and has no effects. */
export interface Template {
  readonly file: string;
  /** As it is written. */
  readonly source: string;
  /** What a person should know of it though it works: values written raw. */
  readonly warnings: readonly Warning[];
  /**
   * Renders for a format. Throws VALUE_MISSING, UNREPRESENTABLE or VALUE_INVALID with the place in the template and the key;
   * TEMPLATE_INVALID for output that grows too large.
   */
  readonly render: (tree: Branch, format: Format) => Rendering;
}

export interface Warning {
  readonly place: Place;
  readonly message: string;
  readonly hint: string;
}

/**
 * Loads Handlebars, once and only when a template needs it. The build for browsers is one file of 90 KB, and the same but for source
 * maps and partials on disk; the other one is 44 files of 750 KB, takes 10 ms longer, and 3 MB of memory for good.
 */
export async function loadCompiler(): Promise<(text: string, file: string) => Template> {
  compiler ??= import("handlebars/dist/handlebars.min.js").then((module) => prepareEngine(module.default.create()));
  const engine = await compiler;
  return (text, file) => compile(engine, text, file);
}

type Engine = typeof Handlebars;
type Print = Handlebars.TemplateDelegate<Branch>;
type Program = Omit<Rewritten, "program"> & { readonly print: Print };

let compiler: Promise<Engine> | undefined;
const programs = new Map<string, Program>();
const prints = new Map<string, Print>();
const manyTexts = 10_000;

/** Only what rewritten templates call: Handlebars wraps each of its helpers anew for each template. */
function prepareEngine(engine: Engine): Engine {
  for (const name of Object.keys(engine.helpers)) engine.unregisterHelper(name);
  engine.registerHelper(runtimeHelpers as Handlebars.HelperDeclareSpec);
  return engine;
}

/** Many services share the text of a template: each text is compiled once. */
function compile(engine: Engine, text: string, file: string): Template {
  const known = programs.get(text);
  const program = known ?? located(file, () => compileProgram(engine, text));
  if (known === undefined) {
    if (programs.size >= manyTexts) programs.clear();
    programs.set(text, program);
  }
  return {
    file,
    source: text,
    warnings: program.sites
      .filter((site) => site.raw)
      .map((site) => ({
        place: { file, line: site.line, column: site.column },
        message: "{{{ }}} writes the value as it is, without the quoting of the format",
        hint: "Use {{ }} unless it must be so",
      })),
    render: (tree, format) => located(file, () => render(program, tree, format)),
  };
}

function compileProgram(engine: Engine, text: string): Program {
  if (text.includes("\0"))
    throw new ConfigSyncError("TEMPLATE_INVALID", "is not a text file: it holds a NUL character");
  refuseDeepBlocks(text);
  const rewritten = rewriteTemplate(parse(engine, text));
  const knownHelpers = { get: true, call: true, write: true, lookup: false, log: false, helperMissing: false };
  const options = { strict: true, knownHelpersOnly: true, noEscape: true, knownHelpers } as CompileOptions;
  const { program, ...rest } = rewritten;
  return { ...rest, print: load(engine, engine.precompile(program, options) as unknown as string) };
}

/**
 * What Handlebars' compile does in one step, but that keeps the syntax tree for ever: 30 KB for each of a thousand templates.
 * Templates of the same build are one function, of some 20 KB.
 */
function load(engine: Engine, source: string): Print {
  const known = prints.get(source);
  if (known !== undefined) return known;
  const print = engine.template<Branch>(new Function(`return ${source}`)());
  if (prints.size >= manyTexts) prints.clear();
  prints.set(source, print);
  return print;
}

/** Handlebars' parser takes minutes for thousands of blocks inside each other, and people lose count long before. */
function refuseDeepBlocks(text: string): void {
  let depth = 0;
  for (const [tag] of text.matchAll(/\{\{~?[#/]/g)) {
    depth += tag.endsWith("#") ? 1 : -1;
    if (depth > 100) throw new ConfigSyncError("TEMPLATE_INVALID", "has more than 100 blocks inside each other");
  }
}

function parse(engine: Engine, text: string): hbs.AST.Program {
  try {
    return engine.parse(text);
  } catch (error) {
    const message = (error as Error).message;
    const line = Number(/line (\d+)/.exec(message)?.[1] ?? (error as { lineNumber?: number }).lineNumber ?? 1);
    const expected = /Expecting [\s\S]*?got '(\w+)'/.exec(message)?.[1];
    const what =
      expected === undefined
        ? message.replace(/ - \d+:\d+$/, "").replace(/^[\s\S]*\n/, "")
        : `unexpected ${tokens[expected] ?? expected}`;
    throw new ConfigSyncError("TEMPLATE_INVALID", `cannot be read as a template: ${what}`, {
      place: { line },
      hint: "Check that every {{ is closed and every block has its end, {{/if}}",
    });
  }
}

/** The names that Handlebars' grammar has for what a person typed. */
const tokens: Record<string, string> = {
  EOF: "end of the file",
  OPEN_ENDBLOCK: "end of a block",
  INVALID: "character",
};

function render({ contents, sites, print }: Program, tree: Branch, format: Format): Rendering {
  const run = startRun(sites);
  const stretches: Stretch[] = [];
  for (const piece of print(tree, { data: { run } }).trimEnd().split(" ")) {
    const number = Number(piece.slice(1));
    const stretch = piece.startsWith("t") ? contents[number] : run.values[number];
    if (stretch === undefined) continue;
    if (!("value" in stretch)) countText(run, stretch.text);
    stretches.push(stretch);
  }
  return { ...writeStretches(stretches, format), used: [...run.used] };
}

function located<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asConfigSyncError(error, "TEMPLATE_INVALID").with({ place: { file } });
  }
}
