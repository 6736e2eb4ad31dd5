import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { Entry, Layer } from "../config/layers.ts";
import { formatPath, type Path } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { Secret } from "../config/secret.ts";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { isEncrypted } from "./sealed.ts";
import type { Source } from "./source.ts";

export interface EnvSourceOptions {
  /** What the variables begin with. Default `CONFIG_SYNC__`. */
  readonly prefix?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly secretPaths: PathTest;
}

const fileLimit = 64 * 1024;

/**
 * `CONFIG_SYNC__GITEA__HTTP_PORT=3001` is `gitea.http_port`, the form of Gitea's `GITEA__section__KEY`: section and key
 * in lower case, other characters as the hex of their UTF-8 bytes (`_0x2E_` is a dot, `_0x2D_` a hyphen). With `__FILE` behind,
 * the variable names a file that holds the value, as Docker secrets do; such values count as secret. Where another source spells
 * the section with capitals, that one is meant.
 */
export function envSource(options: EnvSourceOptions): Source {
  const { prefix = "CONFIG_SYNC__", environment } = options;
  return {
    name: "environment",
    protected: false,
    load: async (): Promise<Layer> => {
      const variables = Object.keys(environment).filter(
        (name) => name.startsWith(prefix) && environment[name] !== undefined,
      );
      const entries = variables.sort().map((name) => readVariable(name, prefix, options));
      return { source: "environment", protected: false, entries };
    },
    complete: (own, others) => {
      // Other variables know no spelling either.
      const files = others.filter(({ source }) => source !== own.source);
      const sections = new Set(files.flatMap(({ entries }) => entries.map(({ path: [section = ""] }) => section)));
      const entries = own.entries.map((entry) => ({ ...entry, path: matchSection(entry.path, sections) }));
      refuseTwice(entries);
      return { ...own, entries };
    },
  };
}

function readVariable(name: string, prefix: string, options: EnvSourceOptions): Entry {
  const parts = splitName(name.slice(prefix.length));
  const fromFile = parts.length === 3 && parts[2] === "file";
  const [section, key] = parts;
  if (!section || !key || (parts.length !== 2 && !fromFile))
    throw invalid(name, "is not named SECTION__KEY behind its prefix", `Name it like ${prefix}GITEA__HTTP_PORT`);
  const path: Path = [section, key];
  const given = options.environment[name] ?? "";
  const text = fromFile ? readValueFile(name, given) : given;
  if (isEncrypted(text))
    throw invalid(name, "gives an encrypted value, which belongs into config.ini", "Give the value itself");
  return {
    path,
    value: fromFile || options.secretPaths(path) ? new Secret(text) : text,
    origin: { source: "environment", file: `$${name}` },
  };
}

/** Splits at `__`; an escape counts before a separator, and what it stands for keeps its case. */
function splitName(text: string): string[] {
  const parts = [""];
  for (const [token, hex] of text.matchAll(/_0[xX]((?:[0-9a-fA-F]{2})+)_|__|[\s\S]/g)) {
    if (token === "__") parts.push("");
    else parts.push(`${parts.pop()}${hex === undefined ? token.toLowerCase() : Buffer.from(hex, "hex").toString()}`);
  }
  return parts;
}

function matchSection([section = "", ...rest]: Path, known: ReadonlySet<string>): Path {
  if (known.has(section)) return [section, ...rest];
  const meant = [...known].find((name) => name.toLowerCase() === section.toLowerCase());
  return [meant ?? section, ...rest];
}

/** One newline at the end is the editor's, not the value's. */
function readValueFile(name: string, path: string): string {
  if (!isAbsolute(path) || path.includes("\0"))
    throw invalid(name, "does not hold an absolute path", "Give the file with its whole path");
  const bytes = readSmallFile(name, path);
  const text = bytes.toString("utf8");
  if (text.includes("\0") || !Buffer.from(text).equals(bytes))
    throw invalid(name, `names ${path}, which is no UTF-8 text`, "Put nothing but the value into the file");
  return text.replace(/\r?\n$/, "");
}

function readSmallFile(name: string, path: string): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(fileLimit + 1);
    const length = fstatSync(fd).isFile() ? readSync(fd, buffer) : undefined;
    if (length === undefined) throw invalid(name, `names ${path}, which is no regular file`, "Name a file");
    if (length > fileLimit) throw invalid(name, `names ${path}, which is larger than 64 KiB`, "Name the right file");
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof ConfigSyncError) throw error;
    const why = `names ${path}, which cannot be read: ${systemCode(error) ?? "unknown error"}`;
    throw new ConfigSyncError("SOURCE_MISSING", `The environment variable ${name} ${why}`, {
      place: { file: `$${name}` },
      hint: "Mount the secret there, or correct the variable",
      cause: error,
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function refuseTwice(entries: readonly Entry[]): void {
  const seen = new Map<string, Entry>();
  for (const entry of entries) {
    const key = formatPath(entry.path);
    const first = seen.get(key);
    const name = entry.origin.file?.slice(1) ?? "";
    if (first !== undefined)
      throw invalid(name, `sets ${key} a second time, after ${first.origin.file?.slice(1)}`, "Remove one of the two");
    seen.set(key, entry);
  }
}

/** Names the variable, never what it holds. */
function invalid(name: string, problem: string, hint: string): ConfigSyncError {
  return new ConfigSyncError("SOURCE_INVALID", `The environment variable ${name} ${problem}`, {
    place: { file: `$${name}` },
    hint,
  });
}
