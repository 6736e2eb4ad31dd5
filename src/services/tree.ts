import type { Digest, Entry, Snapshot } from "../config/layers.ts";
import { formatPath, type Path } from "../config/path.ts";
import { reveal, Secret, type Value } from "../config/secret.ts";

/** Text on its way from the configuration into an output. It carries where it came from, so that helpers cannot lose it. */
export interface Text {
  readonly kind: "text";
  readonly text: string;
  /** The same for people: each secret in it replaced by its tag, `[secret 1a2b]`. */
  readonly shown: string;
  readonly secret: boolean;
  /** The written path of the value, for messages; undefined for literals of the template. */
  readonly key?: string | undefined;
  /** Whether it is a value of the configuration as it stands there, and so a use of its key. */
  readonly tracked?: boolean;
  /** A number or a boolean: written without quotes where the format tells these from text. */
  readonly bare?: boolean;
  /** The form of the format that it is written in, wherever it stands. */
  readonly form?: string;
}

/** A section, or the root. A `Map`, so that keys such as `__proto__` are keys like any other. */
export interface Branch {
  readonly kind: "branch";
  readonly path: Path;
  /** Whether it comes from the configuration, and not from the names in the settings. */
  readonly tracked: boolean;
  readonly children: ReadonlyMap<string, Text | Branch>;
}

/** What a template asked for and nothing gives. */
export interface Missing {
  readonly kind: "missing";
  readonly path: Path;
  readonly tracked: boolean;
}

/** The names in the settings that services are reached by: file paths, containers, supervisord programs, URLs. */
export interface Names {
  readonly paths: Readonly<Record<string, string>>;
  readonly containers: Readonly<Record<string, string>>;
  readonly programs: Readonly<Record<string, string>>;
  readonly urls: Readonly<Record<string, string>>;
}

/**
 * What templates look into: the sections of the configuration by name, then `paths`, `containers`, `programs` and `urls`
 * from the settings, and `config`, which holds every section, also one that is itself called `paths`.
 */
export function buildTree(snapshot: Snapshot, names: Names, digest: Digest): Branch {
  const config = new Section([], digest);
  for (const entry of snapshot.entries.values()) config.add(entry);
  const children = new Map(config.children);
  children.set("config", config);
  for (const kind of ["paths", "containers", "programs", "urls"] as const) {
    const named = Object.entries(names[kind]).map(([name, text]): [string, Text] => {
      return [name, { kind: "text", text, shown: text, secret: false, key: formatPath([kind, name]) }];
    });
    children.set(kind, { kind: "branch", path: [kind], tracked: false, children: new Map(named) });
  }
  return { kind: "branch", path: [], tracked: true, children };
}

/** One step down; what is not there stays askable, so that a condition can look for `a.b` where there is no `a`. */
export function child(node: Text | Branch | Missing, name: string): Text | Branch | Missing {
  const found = node.kind === "branch" ? node.children.get(name) : undefined;
  if (found !== undefined) return found;
  if (node.kind === "text") return { kind: "missing", path: [node.key ?? "", name], tracked: false };
  return { kind: "missing", path: [...node.path, name], tracked: node.tracked };
}

export function plainText(text: string): Text {
  return { kind: "text", text, shown: text, secret: false };
}

/**
 * A section of the configuration. What is in it is made when somebody looks into it: of a thousand sections a template needs two. A
 * class, because there are so many, and the getter is to be there once.
 */
class Section implements Branch {
  readonly kind = "branch";
  readonly tracked = true;
  readonly path: Path;
  readonly #digest: Digest;
  #children: Map<string, Text | Branch> | undefined;
  #waiting: Entry[] = [];

  constructor(path: Path, digest: Digest) {
    this.path = path;
    this.#digest = digest;
  }

  add(entry: Entry): void {
    this.#waiting.push(entry);
  }

  get children(): ReadonlyMap<string, Text | Branch> {
    this.#children ??= new Map();
    if (this.#waiting.length > 0) {
      for (const entry of this.#waiting) this.#place(entry, this.#children);
      this.#waiting = [];
    }
    return this.#children;
  }

  #place(entry: Entry, children: Map<string, Text | Branch>): void {
    const { path, value } = entry;
    const depth = this.path.length;
    const name = path[depth];
    if (name === undefined) return;
    if (path.length === depth + 1) {
      children.set(name, configured(path, value, this.#digest));
      return;
    }
    const known = children.get(name);
    const section = known instanceof Section ? known : new Section(path.slice(0, depth + 1), this.#digest);
    if (section !== known) children.set(name, section);
    section.add(entry);
  }
}

function configured(path: Path, value: Value, digest: Digest): Text {
  const text = reveal(value);
  const secret = value instanceof Secret;
  // Four digits of a keyed digest: enough to see that a secret changed, too few to tell anything else.
  const shown = secret ? `[secret ${digest(text).slice(0, 4)}]` : text;
  return { kind: "text", text, shown, secret, key: formatPath(path), tracked: true };
}
