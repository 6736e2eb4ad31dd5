/** The document of the environment that services get, `environment.yaml`: variables, mappings, and both for single services. */
import { holdsSealed, type Key } from "../config/encryption.ts";
import { environmentSection, readEnvironmentSection } from "../config/environment-section.ts";
import type { Entry, Layer } from "../config/layers.ts";
import { parseMapping } from "../config/mapping.ts";
import type { PathTest } from "../config/pattern.ts";
import { Secret } from "../config/secret.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import { type DocumentFileOptions, decodeDocument, documentFile, invalidSource } from "./document-file.ts";
import { type EnvironmentField, editEnvironment, readEnvironment, sealEnvironment } from "./environment-document.ts";
import { openValue, type Sealing } from "./sealed.ts";
import type { Source } from "./source.ts";

export interface EnvironmentSourceOptions extends DocumentFileOptions {
  readonly secretPaths: PathTest;
  readonly sealing?: Sealing | undefined;
}

/** What it says is in sections that no other source may give: a variable has one document to be looked for in. */
export function environmentSource(options: EnvironmentSourceOptions): Source {
  const { path, name, sealing = { app: "" } } = options;
  // What a mapping takes is no secret, however its variable is called, and so never sealed.
  const secretPaths: PathTest = (path) => isVariable(path[0]) && options.secretPaths(path);
  const read = (bytes: Buffer): Layer => {
    const text = decodeDocument(bytes, name);
    const keys = (holdsSealed(text) && sealing.keys?.()) || [];
    const entries = readFields(text, name).map((field) => toEntry(field, { name, secretPaths, sealing, keys }));
    return { source: name, protected: false, entries, document: bytes };
  };
  return {
    name,
    protected: false,
    holdsSection: (section) => readEnvironmentSection(section) !== undefined,
    ...documentFile(options, read),
    complete: (own, others) => {
      refuseOthers(others, name);
      return own;
    },
    document: {
      path,
      read,
      edit: (bytes, edits) => editEnvironment(bytes, edits, { secretPaths, sealing }),
      seal: (bytes, which) => sealEnvironment(bytes, which, { secretPaths, sealing }),
    },
  };
}

function isVariable(section = ""): boolean {
  return readEnvironmentSection(section)?.kind === "variable";
}

function readFields(text: string, file: string): readonly EnvironmentField[] {
  try {
    return readEnvironment(text);
  } catch (error) {
    if (!(error instanceof ConfigSyncError)) throw error;
    const { message, hint, key, cause } = error;
    throw new ConfigSyncError("SOURCE_INVALID", message, { place: { ...error.place, file }, hint, key, cause });
  }
}

interface Reading {
  readonly name: string;
  readonly secretPaths: PathTest;
  readonly sealing: Sealing;
  readonly keys: readonly Key[];
}

function toEntry(
  { path, value, line, column }: EnvironmentField,
  { name, secretPaths, sealing, keys }: Reading,
): Entry {
  const origin = { source: name, file: name, line, column };
  const entry = { path, value, origin, isEnvironment: true };
  try {
    const opened = openValue(value, path, sealing, keys);
    // As it is written: what is sealed names no key.
    if (!isVariable(path[0])) parseMapping(entry);
    return opened !== undefined || secretPaths(path) ? { ...entry, value: new Secret(opened ?? value) } : entry;
  } catch (error) {
    throw asConfigSyncError(error).with({ place: origin });
  }
}

function refuseOthers(others: readonly Layer[], name: string): void {
  for (const { path, origin } of others.flatMap(({ entries }) => entries)) {
    const section = path[0] ?? "";
    const found = readEnvironmentSection(section);
    if (found === undefined) continue;
    throw invalidSource(
      `the section ${environmentSection(found.kind, found.service)} belongs to ${name}, which holds the environment of services`,
      origin,
      `Move it to ${name}, or give the section another name`,
    );
  }
}
