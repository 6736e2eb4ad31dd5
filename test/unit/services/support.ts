import { createHash } from "node:crypto";
import { readEnvironmentSection } from "../../../src/config/environment-section.ts";
import { mergeLayers, type Snapshot } from "../../../src/config/layers.ts";
import { Secret, secretPaths } from "../../../src/config/secret.ts";
import type { ConfigSyncError } from "../../../src/errors.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import { loadCompiler } from "../../../src/services/template.ts";
import { buildTree, type Names } from "../../../src/services/tree.ts";
import type { Rendering } from "../../../src/services/write.ts";

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

export const noNames: Names = { paths: {}, containers: {}, programs: {}, urls: {} };

export type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>;

const isSecret = secretPaths(["api_key.key", "webhook.*"]);

/** A snapshot of sections, with the keys secret that are secret in real life. */
export function snapshotOf(sections: Sections): Snapshot {
  const entries = Object.entries(sections).flatMap(([section, keys]) =>
    Object.entries(keys).map(([key, text]) => {
      const path = [section, key];
      const isEnvironment = readEnvironmentSection(section) !== undefined;
      return { path, value: isSecret(path) ? new Secret(text) : text, origin: { source: "config.ini" }, isEnvironment };
    }),
  );
  return mergeLayers([{ source: "config.ini", protected: false, entries }], digest);
}

/** Renders one template text. */
export async function renderText(
  template: string,
  sections: Sections,
  { format = "text", names = {} }: { format?: string; names?: Partial<Names> } = {},
): Promise<Rendering> {
  const compile = await loadCompiler();
  const tree = buildTree(snapshotOf(sections), { ...noNames, ...names }, digest);
  return compile(template, "t.hbs").render(tree, await loadFormat(format));
}

/** The error that work fails with. */
export async function failure(work: () => unknown): Promise<ConfigSyncError> {
  try {
    await work();
  } catch (error) {
    return error as ConfigSyncError;
  }
  throw new Error("nothing was refused");
}
