import { ConfigSyncError } from "../errors.ts";
import type { Entry } from "./layers.ts";
import { formatPath, type Path, parsePath } from "./path.ts";
import { reveal, Secret, type Value } from "./secret.ts";

export interface SubstitutionContext {
  readonly environment: (name: string) => string | undefined;
  /** The value of another layer, as written there. */
  readonly other: (path: Path) => Value | undefined;
}

/** All values of a source together, and how far references may lead to references. */
const maxOutput = 1024 * 1024;
const maxChain = 100;

/**
 * Fills in the references of a source that asked for it: `${VAR}` and `${VAR:-default}` (also where VAR is empty) from the
 * environment, `${section.key}` from the configuration, `$$` for a dollar sign. A name with a dot is a configuration path.
 * Any other `$` stays as it is. Defaults are literal. A value that took in a secret is a secret.
 *
 * Throws VALUE_MISSING for a name that nothing gives, VALUE_INVALID for a cycle, an unclosed `${` or a result beyond 1 MiB,
 * with the key and its place.
 */
export function substitute(entries: readonly Entry[], context: SubstitutionContext): Entry[] {
  const own = new Map(entries.map((entry) => [formatPath(entry.path), entry]));
  const done = new Map<string, Value>();
  let written = 0;
  return entries.map((entry) => ({ ...entry, value: resolve(formatPath(entry.path), entry, []) }));

  function resolve(key: string, entry: Entry, chain: readonly string[]): Value {
    const known = done.get(key);
    if (known !== undefined) return known;
    refuseChain(key, entry, chain);
    const value = expand(entry, (name) => lookUp(name, entry, [...chain, key]));
    written += reveal(value).length;
    if (written > maxOutput) throw invalid(entry, "grows beyond 1 MiB by its references");
    done.set(key, value);
    return value;
  }

  function lookUp(name: string, asker: Entry, chain: readonly string[]): Value | undefined {
    if (!name.includes(".")) return context.environment(name);
    const path = parsePath(name);
    if (path === undefined) throw invalid(asker, "refers to a name with dots that is no path of a key");
    const key = formatPath(path);
    const entry = own.get(key);
    return entry === undefined ? context.other(path) : resolve(key, entry, chain);
  }
}

/** The references of one value. */
const reference = /\$(?:\$|\{([^}]*)(\}?))/g;

function expand(entry: Entry, lookUp: (name: string) => Value | undefined): Value {
  const text = reveal(entry.value);
  if (!text.includes("$")) return entry.value;
  let secret = entry.value instanceof Secret;
  const parts: string[] = [];
  let length = 0;
  let from = 0;
  for (const match of text.matchAll(reference)) {
    const value = match[1] === undefined ? "$" : referenced(match[1], match[2] === "}", entry, lookUp);
    if (value instanceof Secret) secret = true;
    parts.push(text.slice(from, match.index), reveal(value));
    length += reveal(value).length;
    if (length > maxOutput) throw invalid(entry, "grows beyond 1 MiB by its references");
    from = match.index + match[0].length;
  }
  const result = parts.join("") + text.slice(from);
  return secret ? new Secret(result) : result;
}

const escapeHint = "Write $$ for a dollar sign that stands for itself";

function referenced(inner: string, closed: boolean, entry: Entry, lookUp: (name: string) => Value | undefined): Value {
  if (!closed) throw invalid(entry, 'has "${" without a closing brace', escapeHint);
  const split = inner.indexOf(":-");
  const name = split < 0 ? inner : inner.slice(0, split);
  const value = name === "" ? undefined : lookUp(name);
  if (value !== undefined && (split < 0 || reveal(value) !== "")) return value;
  if (split >= 0) return inner.slice(split + 2);
  // What is no name may be part of a password that was never meant as a reference, and so may a name in the middle of one.
  if (!/^[A-Za-z_[][\w.[\]-]*$/.test(name))
    throw invalid(entry, 'has "${" before something that is no name', escapeHint);
  const key = formatPath(entry.path);
  const kind = name.includes(".") ? "key" : "variable";
  const isPart = entry.value instanceof Secret && reveal(entry.value) !== `\${${inner}}`;
  const what = isPart ? `a ${kind} that is not there` : `the ${kind} ${name}, ${absence[kind]}`;
  const hint = isPart ? `Set it. ${escapeHint}` : `Set it, or give a default: \${${name}:-…}`;
  throw new ConfigSyncError("VALUE_MISSING", `${key} refers to ${what}`, { key, place: entry.origin, hint });
}

const absence = { key: "which no source gives", variable: "which is not set" } as const;

function refuseChain(key: string, entry: Entry, chain: readonly string[]): void {
  const start = chain.indexOf(key);
  if (start >= 0) throw invalid(entry, `refers to itself: ${[...chain.slice(start), key].join(" → ")}`);
  if (chain.length >= maxChain) throw invalid(entry, `is reached through more than ${maxChain} references`);
}

function invalid(entry: Entry, why: string, hint?: string): ConfigSyncError {
  const key = formatPath(entry.path);
  return new ConfigSyncError("VALUE_INVALID", `${key} ${why}`, { key, place: entry.origin, hint });
}
