import { cp, mkdir } from "node:fs/promises";
import path from "node:path";
import { makeWorkspace, type Workspace } from "../support/workspace.ts";

const templates = path.join(import.meta.dirname, "../../templates");

/**
 * The files of the preset `minimal` and its three services, as `init` lays them out, but for its schema: without it the templates have the
 * last word on a value.
 */
export async function makeMinimal(files: Readonly<Record<string, string>> = {}): Promise<Workspace> {
  const workspace = await makeWorkspace({});
  await cp(path.join(templates, "presets/minimal"), workspace.folder, { recursive: true });
  await workspace.sed("/^schema:/d", "config-sync.yaml");
  for (const service of ["demo-gitea", "demo-app", "demo-nginx"])
    await cp(path.join(templates, service), workspace.at(`templates/${service}`), { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(workspace.at(file)), { recursive: true });
    await workspace.saveByRename(file, content);
  }
  return workspace;
}

/** The four files that the services get. */
export const outputs = [
  "services/gitea/app.ini",
  "services/app/.env",
  "services/app/settings.json",
  "services/nginx/site.conf",
];
