import { isAbsolute, relative, resolve } from "node:path";
import type { Digest, Snapshot } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { type ResolvedAction, resolveAction } from "./actions.ts";
import { refuseSecretArguments } from "./arguments.ts";
import type { Service, ServiceOutput } from "./catalog.ts";
import { type EnvironmentRendering, type GivenVariable, joinRenderings, renderEnvironment } from "./environment.ts";
import type { Fill } from "./fill.ts";
import type { Backoff, DriftPolicy, Owner } from "./manifest.ts";
import { type Branch, buildTree, type Names, plainText } from "./tree.ts";
import type { Rendering } from "./write.ts";

export type { ResolvedAction } from "./actions.ts";
export type { Names } from "./tree.ts";

export interface Inputs {
  readonly snapshot: Snapshot;
  readonly names: Names;
  /** Absolute; relative paths in `names.paths` and in manifests start here. */
  readonly folder: string;
  /** Keyed, so that the tags of masked secrets say nothing about the secret. */
  readonly digest: Digest;
}

export interface RenderedService {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly outputs: readonly RenderedOutput[];
  readonly reload: readonly ResolvedRule[];
  readonly probes: readonly ResolvedAction[];
  readonly backoff: Backoff;
  readonly onFailure: "rollback" | "keep";
  readonly reloadEvery: number;
  /** Configuration keys that were asked for, also those that are missing, and sections that were gone through. */
  readonly used: readonly string[];
  /** A digest of outputs, checks, reloads, probes and patience: what failed with it would fail again while it is the same. */
  readonly fingerprint: string;
}

/** Where an output lies. */
export interface OutputPlace {
  /** Absolute. */
  readonly path: string;
  /** Relative to the folder where it lies inside. */
  readonly shownPath: string;
}

export interface RenderedOutput extends OutputPlace {
  readonly format: Format;
  readonly text: string;
  readonly maskedText: string;
  /** The written paths of the fields that hold a secret. */
  readonly secretFields: ReadonlySet<string>;
  readonly merge: boolean;
  readonly inPlace: boolean;
  readonly mode: number | undefined;
  readonly owner: Owner | undefined;
  /** The service's own check of the staged file, as argv. */
  readonly check: ((staged: string) => readonly string[]) | undefined;
  readonly drift: DriftPolicy;
  /** By the written path of a field: the key of the value that it is. Only where changes of the file are adopted. */
  readonly origins: ReadonlyMap<string, string>;
  /** Absolute paths of the files without which the output is not written. */
  readonly requires: readonly string[];
  readonly used: readonly string[];
  /** The variables in it, where it is given the environment. */
  readonly environment?: readonly GivenVariable[] | undefined;
}

export interface ResolvedRule {
  readonly when: readonly string[] | undefined;
  readonly action: ResolvedAction;
}

/**
 * Renders everything a service needs. Synchronous and pure. Pass the same `inputs` object for all services of a round: what
 * they share is worked out once for it.
 *
 * Throws VALUE_MISSING, VALUE_INVALID, UNREPRESENTABLE or TEMPLATE_INVALID, with the place in the template or manifest and the key.
 */
export function renderService(service: Service, inputs: Inputs): RenderedService {
  const { manifest } = service;
  const tree = treeOf(inputs);
  const rendered = service.outputs.map((output) => renderOutput(service.name, output, tree, inputs));
  const outputs = rendered.map(({ output }) => output);
  const used = new Set(rendered.flatMap(({ output, sections }) => [...output.used, ...sections]));
  const reload = service.reload.map((rule) => ({
    when: rule.when,
    action: resolveAction(rule, manifest, tree, used),
  }));
  const probes = service.probes.map((probe) => resolveAction(probe, manifest, tree, used));
  return {
    name: service.name,
    dependsOn: manifest.dependsOn,
    outputs,
    reload,
    probes,
    backoff: manifest.backoff,
    onFailure: manifest.onFailure,
    reloadEvery: manifest.reloadEvery,
    used: [...used],
    fingerprint: fingerprint(
      outputs,
      [...reload.map(({ action }) => action), ...probes],
      manifest.backoff,
      inputs.digest,
    ),
  };
}

/** Where the outputs of a service lie, without what is in them. Throws VALUE_MISSING and VALUE_INVALID as `renderService` does. */
export function placeOutputs({ outputs }: Service, inputs: Inputs): OutputPlace[] {
  const tree = treeOf(inputs);
  return outputs.map(({ manifest, strings }) => {
    const { path } = strings(tree).value as { path: string };
    return placeOutput(inputs.folder, path, manifest.path);
  });
}

export interface PathConflict {
  readonly path: string;
  /** The services that write it; one service twice where two of its outputs do. */
  readonly services: readonly string[];
  readonly error: ConfigSyncError;
}

/** The paths that more than one output writes. Each would undo what the other wrote, for ever. */
export function findPathConflicts(
  placed: readonly { readonly name: string; readonly outputs: readonly OutputPlace[] }[],
): PathConflict[] {
  const writers = new Map<string, { shownPath: string; services: string[] }>();
  for (const { name, outputs } of placed) {
    for (const { path, shownPath } of outputs) {
      const known = writers.get(path);
      if (known === undefined) writers.set(path, { shownPath, services: [name] });
      else known.services.push(name);
    }
  }
  return [...writers].flatMap(([path, { shownPath, services }]) => {
    if (services.length < 2) return [];
    const who = [...new Set(services)].join(" and ");
    const message = `${shownPath} is written by more than one output (${who})`;
    const hint = "Give each output its own path, or put both into one template";
    return [{ path, services, error: new ConfigSyncError("MANIFEST_INVALID", message, { hint }) }];
  });
}

const trees = new WeakMap<Inputs, Branch>();

function treeOf(inputs: Inputs): Branch {
  const known = trees.get(inputs);
  if (known !== undefined) return known;
  const paths = Object.entries(inputs.names.paths).map(([name, path]) => [name, resolve(inputs.folder, path)]);
  const names = { ...inputs.names, paths: Object.fromEntries(paths) as Record<string, string> };
  const tree = buildTree(inputs.snapshot, names, inputs.digest);
  trees.set(inputs, tree);
  return tree;
}

/** `sections`: those that could bring more into it, though none of their keys is in it now. */
function renderOutput(
  service: string,
  output: ServiceOutput,
  tree: Branch,
  inputs: Inputs,
): { output: RenderedOutput; sections: readonly string[] } {
  const { manifest, format } = output;
  const { rendering, environment } = renderContent(service, output, tree, inputs);
  const { value, used } = output.strings(tree);
  const strings = value as { path: string; requires: readonly string[] };
  const { folder } = inputs;
  const keyed = format.merge !== undefined;
  const rendered: RenderedOutput = {
    ...placeOutput(folder, strings.path, manifest.path),
    format,
    text: rendering.text,
    maskedText: rendering.maskedText,
    secretFields: new Set(keyed ? rendering.secretFields.map((field) => formatPath(field.path)) : []),
    merge: manifest.merge,
    inPlace: manifest.inPlace,
    drift: manifest.drift,
    origins:
      manifest.drift === "adopt"
        ? new Map(rendering.origins.map(([field, key]) => [formatPath(field.path), key]))
        : noOrigins,
    mode: manifest.mode,
    owner: manifest.owner,
    check: output.check && checkOf(output.check, tree, `the check of ${strings.path}`),
    requires: strings.requires.map((file) => placeIn(folder, file, "requires")),
    used: [...new Set([...rendering.used, ...used])],
    environment: environment?.given,
  };
  return { output: rendered, sections: environment?.sections ?? [] };
}

/** What the template writes, and behind it the environment of the service. */
function renderContent(
  service: string,
  { manifest, format, template }: ServiceOutput,
  tree: Branch,
  { snapshot }: Inputs,
): { rendering: Rendering; environment: EnvironmentRendering | undefined } {
  const rendering = template?.render(tree, format) ?? nothing;
  if (manifest.environment === undefined) return { rendering, environment: undefined };
  const environment = renderEnvironment({ service, snapshot, tree, format, manifest: manifest.environment });
  return { rendering: joinRenderings(rendering, environment), environment };
}

const nothing: Rendering = { text: "", maskedText: "", fields: [], secretFields: [], origins: [], used: [] };

const noOrigins: ReadonlyMap<string, string> = new Map();

function placeOutput(folder: string, given: string, written: string): OutputPlace {
  const path = placeIn(folder, given, written);
  const inside = relative(folder, path);
  return { path, shownPath: inside === "" || inside.startsWith("..") || isAbsolute(inside) ? path : inside };
}

function placeIn(folder: string, path: string, written: string): string {
  if (path.trim() !== "" && !path.includes("\0")) return resolve(folder, path);
  throw new ConfigSyncError(
    "VALUE_INVALID",
    `"${written}" does not become a path: it is empty, or holds a NUL character`,
    {
      hint: "Look at the values that it is made of",
    },
  );
}

/** Stands for the path of the staged file, which is known only when it is checked. */
const stagedMark = "\u{E000}staged\u{E000}";

function checkOf(fill: Fill, tree: Branch, name: string): (staged: string) => readonly string[] {
  const withStaged = { ...tree, children: new Map(tree.children).set("staged", plainText(stagedMark)) };
  const filled = fill(withStaged);
  refuseSecretArguments(filled, { name });
  const argv = filled.value as readonly string[];
  return (staged) => argv.map((argument) => argument.replaceAll(stagedMark, () => staged));
}

function fingerprint(
  outputs: readonly RenderedOutput[],
  actions: readonly ResolvedAction[],
  patience: Backoff,
  digest: Digest,
): string {
  const files = outputs.map(({ path, text, mode, owner, check }) => [
    ...[path, text, mode ?? null, owner ?? null],
    check?.(stagedMark) ?? null,
  ]);
  return digest(JSON.stringify([files, actions.map(({ kind, spec }) => [kind, spec]), patience]));
}
