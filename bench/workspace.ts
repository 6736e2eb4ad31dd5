import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A generated workspace. The program runs on it with its default settings. */
export interface Workspace {
  readonly folder: string;
  readonly config: string;
  /** The outputs that a change concerns, by service: what is written together. */
  readonly outputs: readonly (readonly string[])[];
  /** The whole of config.ini, with another value in the key that changes. */
  readonly configWith: (value: string) => string;
  /** Undefined where nothing is reloaded. */
  readonly service: LoadingService | undefined;
}

/** What stands for a service that loads its file. Its command is the file `reload` of the workspace. */
export interface LoadingService {
  /** The values that were loaded so far, a line each. */
  readonly log: string;
  /** While this file is there the next reload fails, and takes it away. */
  readonly fail: string;
}

export interface Shape {
  readonly services: number;
  readonly outputsEach: number;
  /** Which key changes: one that every output holds, or the own one of a service in the middle. */
  readonly changes: "every output" | "one service";
  /** Milliseconds that a reload takes; without it nothing is reloaded. */
  readonly reloadTakes?: number;
  /** Further keys of the manifests. */
  readonly manifest?: readonly string[];
}

/** A service in a burst of changes is reloaded when it has been left alone for so long: the default of sync.settle.min. */
export const settle = 100;

/**
 * N services, a template folder and a section of config.ini each. Every output is a small .env: a value that all share, one of
 * its service's own, and a line of text. A service's files lie in a folder of their own.
 */
export function makeWorkspace(folder: string, shape: Shape): Workspace {
  const { services, outputsEach, changes, reloadTakes } = shape;
  const names = Array.from({ length: services }, (_, index) => `service-${index + 1}`);
  const pathsOf = (name: string) =>
    Array.from({ length: outputsEach }, (_, index) => `services/${name}/${index + 1}.env`);
  const changing = changes === "every output" ? undefined : names[services >> 1];
  const configWith = (value: string): string =>
    [
      `[shared]\nvalue = ${changing === undefined ? value : "steady"}\n`,
      ...names.map((name) => `[${name}]\nport = 8080\nvalue = ${name === changing ? value : "steady"}\n`),
    ].join("\n");
  const reload = reloadTakes === undefined ? "none: true" : `command: { argv: ["${join(folder, "reload")}"] }`;
  const files = {
    "config.ini": configWith(firstValue),
    "config-sync.yaml": settings(names),
    ...Object.fromEntries(names.flatMap((name) => templateFolder(name, pathsOf(name), reload, shape.manifest ?? []))),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of names) mkdirSync(join(folder, "services", name), { recursive: true });
  const concerned = changing === undefined ? names : [changing];
  return {
    folder,
    config: join(folder, "config.ini"),
    outputs: concerned.map((name) => pathsOf(name).map((path) => join(folder, path))),
    configWith,
    service: reloadTakes === undefined ? undefined : makeService(folder, reloadTakes),
  };
}

/** Every value that is waited for looks like this, so that a half of it is recognised and the floor finds it in the text. */
export function taggedValue(change: number): string {
  return `change-${change}-whole`;
}

export const firstValue = taggedValue(0);

/** As vim and careful programs save: complete beside it, then one rename. Returns when the rename was asked for. */
export function saveByRename(path: string, text: string): number {
  writeFileSync(`${path}.new`, text);
  const at = performance.now();
  renameSync(`${path}.new`, path);
  return at;
}

function settings(names: readonly string[]): string {
  return `sources:\n  - file: config.ini\nservices: [${names.join(", ")}]\nroots: [services]\n`;
}

function templateFolder(
  name: string,
  paths: readonly string[],
  reload: string,
  more: readonly string[],
): [path: string, text: string][] {
  const outputs = paths.map((path) => `  - { path: ${path}, format: "env:compose", template: env.hbs }`);
  const manifest = [`name: ${name}`, "outputs:", ...outputs, "reload:", `  - ${reload}`, ...more];
  const template = [`# ${name}`, "VALUE={{shared.value}}", `OWN={{${name}.value}}`, `PORT={{${name}.port}}`];
  return [
    [`templates/${name}/service.yaml`, `${manifest.join("\n")}\n`],
    [`templates/${name}/env.hbs`, `${template.join("\n")}\n`],
  ];
}

/** Takes its time, and has then loaded what stands in its first file. */
function makeService(folder: string, takes: number): LoadingService {
  mkdirSync(join(folder, "loaded"));
  const lines = [
    "#!/bin/sh",
    `cd "${folder}"`,
    "if rm loaded/fail 2>/dev/null; then exit 1; fi",
    takes > 0 ? `sleep ${takes / 1000}` : "",
    ". ./services/service-1/1.env",
    'echo "$VALUE" >> loaded/log',
  ];
  writeFileSync(join(folder, "reload"), `${lines.join("\n")}\n`, { mode: 0o755 });
  const service = { log: join(folder, "loaded/log"), fail: join(folder, "loaded/fail") };
  writeFileSync(service.log, "");
  return service;
}
