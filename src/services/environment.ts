/** The environment of a service, written into an env file: behind its template, or without one. */
import { environmentOf, keysOf, sectionsFor, type Variable } from "../config/environment.ts";
import type { Snapshot } from "../config/layers.ts";
import { formatPath, parsePath } from "../config/path.ts";
import { matchPaths } from "../config/pattern.ts";
import { secretMark } from "../config/secret.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { Field, Format } from "../formats/format.ts";
import type { EnvironmentManifest } from "./manifest.ts";
import { type Branch, child, plainText, type Text } from "./tree.ts";
import { type Rendering, type Stretch, writeStretches } from "./write.ts";

/** A variable that an output gives to its service. */
export interface GivenVariable {
  readonly name: string;
  /** The written path of what defines it: `environment.TZ`, `mappings:shop.MAIL_*`. */
  readonly definition: string;
}

export interface EnvironmentRendering extends Rendering {
  readonly given: readonly GivenVariable[];
  /** Sections in which another variable can appear. */
  readonly sections: readonly string[];
}

export interface EnvironmentOf {
  readonly service: string;
  readonly snapshot: Snapshot;
  readonly tree: Branch;
  readonly format: Format;
  readonly manifest: EnvironmentManifest;
}

/**
 * The lines of a service's variables. Throws VALUE_MISSING for a mapped key that nothing gives, VALUE_INVALID for a name that the service
 * or the reader of the format does not take, UNREPRESENTABLE for a value; each with the key.
 */
export function renderEnvironment({ service, snapshot, tree, format, manifest }: EnvironmentOf): EnvironmentRendering {
  const variables = environmentOf(service, snapshot);
  const isReserved = matchPaths(manifest.reserved);
  const stretches: Stretch[] = [];
  for (const variable of variables) {
    if (isReserved([variable.name])) throw refused(variable, `${service} keeps it for itself`, otherName);
    refuseName(variable, format);
    stretches.push({ text: `${variable.name}=`, line: 1 }, { value: textOf(variable, tree), site: nowhere });
    stretches.push({ text: "\n", line: 1 });
  }
  const given = variables.map(({ name, definition }) => ({ name, definition: formatPath(definition.path) }));
  return {
    ...write(stretches, format),
    given,
    used: [...new Set([...given.map(({ definition }) => definition), ...variables.flatMap(keysOf)])],
    sections: sectionsFor(service, snapshot).map((section) => formatPath([section])),
  };
}

/** There is no template that a place could be in: who gave the value is found by its key. */
function write(stretches: readonly Stretch[], format: Format): Omit<Rendering, "used"> {
  try {
    return writeStretches(stretches, format);
  } catch (error) {
    const { code, message, key, hint, cause } = asConfigSyncError(error);
    throw new ConfigSyncError(code, message, { key, hint, cause });
  }
}

const nowhere = { line: 1, column: 1, steps: [], helper: "", raw: false };
const otherName = "Give the variable another name, or to other services only";

/** What the reader of the format takes for a name is asked of that reader. */
function refuseName(variable: Variable, format: Format): void {
  const { name } = variable;
  try {
    const [field, ...more] = format.read(`${name}=x\n`);
    if (more.length === 0 && field?.path.length === 1 && field.path[0] === name && field.value === "x") return;
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
  }
  throw refused(
    variable,
    `${format.name} has no such name`,
    "Letters from A to Z, digits and _ are taken by every reader",
  );
}

function refused({ name, definition }: Variable, why: string, hint: string): ConfigSyncError {
  const key = formatPath(definition.path);
  return new ConfigSyncError("VALUE_INVALID", `the variable ${name} is not for this service: ${why}`, { key, hint });
}

/** As in a template: a key alone is a value of the configuration, whose change in the file can be taken over. */
function textOf(variable: Variable, tree: Branch): Text {
  const parts = variable.parts.map((part) => (typeof part === "string" ? plainText(part) : lookUp(part.key)));
  const [only] = parts;
  const text = parts.map((part) => part.text).join("");
  // A telling name hides a value whose own key is called otherwise.
  const hides = variable.secret && !parts.some(({ secret }) => secret);
  const shown = hides ? secretMark : parts.map((part) => part.shown).join("");
  const key = formatPath(variable.definition.path);
  return { kind: "text", text, key, ...(parts.length === 1 && only), shown, secret: variable.secret };

  function lookUp(key: string): Text {
    let node: ReturnType<typeof child> = tree.children.get("config") ?? tree;
    for (const step of parsePath(key) ?? []) node = child(node, step);
    if (node.kind === "text") return node;
    throw missing(variable, key);
  }
}

function missing({ name, definition }: Variable, key: string): ConfigSyncError {
  const [section = ""] = parsePath(key) ?? [];
  return new ConfigSyncError("VALUE_MISSING", `${name} is mapped from ${key}, and no source gives that`, {
    key: formatPath(definition.path),
    hint: `Put the key into [${section}], or remove the mapping`,
  });
}

/** A template's text with the environment behind it. Throws VALUE_INVALID for a variable that the template writes itself. */
export function joinRenderings(template: Rendering, environment: EnvironmentRendering): Rendering {
  const taken = new Set(template.fields.map(({ path }) => formatPath(path)));
  for (const { name, definition } of environment.given) {
    if (!taken.has(formatPath([name]))) continue;
    const message = `the variable ${name} is not for this service: its template writes it`;
    throw new ConfigSyncError("VALUE_INVALID", message, { key: definition, hint: otherName });
  }
  const gap = template.text === "" || template.text.endsWith("\n") ? "" : "\n";
  const before = template.text.length + gap.length;
  const lines = template.text.split("\n").length - 1 + gap.length;
  const moved = new Map(
    environment.fields.map((field) => {
      const { start, end, line } = field;
      return [field, { ...field, start: start + before, end: end + before, line: line + lines }];
    }),
  );
  const moveTo = (field: Field): Field => moved.get(field) ?? field;
  return {
    text: `${template.text}${gap}${environment.text}`,
    maskedText: `${template.maskedText}${gap}${environment.maskedText}`,
    fields: [...template.fields, ...moved.values()],
    secretFields: [...template.secretFields, ...environment.secretFields.map(moveTo)],
    origins: [...template.origins, ...environment.origins.map(([field, key]) => [moveTo(field), key] as const)],
    used: [...template.used, ...environment.used],
  };
}
