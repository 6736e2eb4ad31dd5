import { hash } from "node:crypto";
import { join } from "node:path";
import { ConfigSyncError, type ErrorCode, systemCode } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { loadFormat } from "../formats/index.ts";
import { readTextFile } from "../platform/read-text.ts";
import { findCycle } from "./dependencies.ts";
import { compileFill, type Fill } from "./fill.ts";
import { type ActionManifest, type Manifest, type OutputManifest, readManifest } from "./manifest.ts";
import { loadCompiler, type Template, type Warning } from "./template.ts";

/** A service ready to render: its manifest read, its templates compiled, its formats loaded. */
export interface Service {
  readonly name: string;
  /** A digest of the manifest and its templates as they are written. */
  readonly form: string;
  readonly manifest: Manifest;
  readonly outputs: readonly ServiceOutput[];
  readonly reload: readonly (ServiceAction & { readonly when: readonly string[] | undefined })[];
  readonly probes: readonly ServiceAction[];
  /** What `validate` should tell: values that templates write raw, unquoted. */
  readonly warnings: readonly Warning[];
}

export interface ServiceOutput {
  readonly manifest: OutputManifest;
  readonly format: Format;
  readonly template: Template | undefined;
  /** path, check and requires of the manifest. */
  readonly strings: Fill;
  readonly check: Fill | undefined;
}

/** A reload or a probe: its kind, its spec ready to be filled in, and where that stands in the manifest. */
export interface ServiceAction extends Pick<ActionManifest, "kind" | "at"> {
  readonly fill: Fill;
}

/**
 * Loads the enabled services, each named once, from `<folder>/<name>/service.yaml` and the templates beside it. A dependency on a service
 * that is not enabled is ignored: then it is somebody else's to keep it running.
 *
 * Throws NOT_FOUND for a service that is not there, MANIFEST_INVALID or TEMPLATE_INVALID with the place, and MANIFEST_INVALID for
 * services that depend on each other in a circle.
 */
export async function loadServices(folder: string, names: readonly string[]): Promise<Service[]> {
  const services = await Promise.all(names.map((name) => loadService(folder, name)));
  const cycle = findCycle(services.map(({ name, manifest }) => ({ name, dependsOn: manifest.dependsOn })));
  if (cycle === undefined) return services;
  const place = services.find(({ name }) => name === cycle[0])?.manifest.placeOf(["depends_on"]);
  throw new ConfigSyncError("MANIFEST_INVALID", `services depend on each other in a circle: ${cycle.join(" -> ")}`, {
    place,
    hint: "Remove one of these from depends_on",
  });
}

async function loadService(folder: string, name: string): Promise<Service> {
  const home = join(folder, name);
  const file = join(home, "service.yaml");
  const written = readText(file, "MANIFEST_INVALID", name);
  const manifest = readManifest(written, file, name);
  const text = await loadFormat("text");
  const outputs = await Promise.all(
    manifest.outputs.map((output, index) => loadOutput(manifest, output, index, home, text)),
  );
  const prepare = async ({ kind, at, spec }: ActionManifest): Promise<ServiceAction> => {
    return { kind, at, fill: await compileFill(spec, text, file) };
  };
  return {
    name,
    form: hash("sha256", JSON.stringify([written, ...outputs.map(({ template }) => template?.source)])),
    manifest,
    outputs,
    reload: await Promise.all(manifest.reload.map(async ({ when, action }) => ({ when, ...(await prepare(action)) }))),
    probes: await Promise.all(manifest.probes.map(prepare)),
    warnings: outputs.flatMap(({ template }) => template?.warnings ?? []),
  };
}

async function loadOutput(
  manifest: Manifest,
  output: OutputManifest,
  index: number,
  home: string,
  text: Format,
): Promise<ServiceOutput> {
  const format = await loadFormat(output.format);
  if (output.merge && format.merge === undefined) {
    throw new ConfigSyncError(
      "MANIFEST_INVALID",
      `format ${format.name} has no keys, so nothing can be merged into it`,
      {
        place: manifest.placeOf(["outputs", index, "merge"]),
        hint: "Remove merge, or choose a format with keys",
      },
    );
  }
  const file = manifest.placeOf(["outputs", index]).file ?? home;
  const template = output.template && (await loadTemplate(join(home, output.template), manifest.name));
  return {
    manifest: output,
    format,
    template: template || undefined,
    strings: await compileFill({ path: output.path, requires: output.requires }, text, file),
    check: output.check && (await compileFill(output.check, text, file)),
  };
}

async function loadTemplate(file: string, service: string): Promise<Template> {
  const text = readText(file, "TEMPLATE_INVALID", service);
  const compile = await loadCompiler();
  return compile(text, file);
}

function readText(file: string, code: ErrorCode, service: string): string {
  try {
    return readTextFile(file);
  } catch (cause) {
    const place = { file };
    if (systemCode(cause) === undefined) throw new ConfigSyncError(code, (cause as Error).message, { place, cause });
    if (systemCode(cause) !== "ENOENT" && systemCode(cause) !== "ENOTDIR") {
      throw new ConfigSyncError(code, `cannot be read: ${(cause as Error).message}`, { place, cause });
    }
    throw new ConfigSyncError("NOT_FOUND", `service "${service}" has no such file`, {
      place,
      hint: "Check the names under services in config-sync.yaml, and the folder under templates",
      cause,
    });
  }
}
