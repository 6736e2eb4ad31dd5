import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { mergeLayers, type Snapshot } from "../../../src/config/layers.ts";
import { Secret, secretPaths } from "../../../src/config/secret.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import type { Inputs, Names } from "../../../src/services/render.ts";
import { digest, noNames } from "../services/support.ts";

export const templates = join(import.meta.dirname, "../../../templates");

export type Values = ReadonlyMap<string, { readonly path: readonly string[]; readonly text: string }>;

export interface Preset {
  readonly services: readonly string[];
  readonly config: string;
  /** config.ini with every line that it offers in a comment taken up. */
  readonly full: string;
  readonly inputs: (config: Values) => Inputs;
}

export async function readPreset(name: string): Promise<Preset> {
  const folder = join(templates, "presets", name);
  const config = await readFile(join(folder, "config.ini"), "utf8");
  const settings = parse(await readFile(join(folder, "config-sync.yaml"), "utf8")) as Partial<Names> & {
    services: string[];
    secrets: string[];
  };
  const isSecret = secretPaths(settings.secrets);
  const system = await readValues(await readFile(join(folder, "system.ini"), "utf8"));
  return {
    services: settings.services,
    config,
    full: config.replace(/^# (?=\[\w+\]$|\w+ = )/gm, ""),
    inputs: (values) => ({
      snapshot: snapshotOf([values, system], isSecret),
      names: { ...noNames, ...settings },
      folder: "/workspace",
      digest,
    }),
  };
}

export async function readValues(text: string): Promise<Values> {
  const fields = (await loadFormat("ini:python")).read(text);
  return new Map(fields.map((field) => [field.path.join("."), { path: field.path, text: field.value }]));
}

function snapshotOf(layers: readonly Values[], isSecret: (path: readonly string[]) => boolean): Snapshot {
  return mergeLayers(
    layers.map((values, index) => ({
      source: ["config.ini", "system.ini"][index] ?? "",
      protected: index > 0,
      entries: [...values.values()].map(({ path, text }) => ({
        path,
        value: isSecret(path) ? new Secret(text) : text,
        origin: { source: "config.ini" },
      })),
    })),
    digest,
  );
}
