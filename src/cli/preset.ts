import { chmod, constants, copyFile, cp, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigSyncError, systemCode } from "../errors.ts";
import { loadSettings, settingsFile } from "../settings.ts";
import { packageFolder } from "../version.ts";

/** The templates and presets that come with the program. */
const home = join(packageFolder, "templates");

/**
 * Copies a preset and the templates of its services into a folder. Returns what was copied; what is there already stays as it
 * is. Throws NOT_FOUND for an unknown preset, WRITE_FAILED where the folder is a workspace already or cannot be written.
 */
export async function makeWorkspace(folder: string, preset: string): Promise<string[]> {
  const from = join(home, "presets", preset);
  const presets = await readdir(join(home, "presets"));
  if (!presets.includes(preset)) {
    throw new ConfigSyncError("NOT_FOUND", `there is no preset "${preset}"`, {
      hint: `There are: ${presets.join(", ")}`,
    });
  }
  if (await exists(join(folder, settingsFile))) {
    throw new ConfigSyncError("WRITE_FAILED", `${folder} is a workspace already`, {
      hint: "Choose another folder, or go on with this one",
      retryable: false,
    });
  }
  const { services } = loadSettings(from);
  try {
    await mkdir(folder, { recursive: true });
    const files = (await readdir(from)).filter((name) => name !== settingsFile);
    const made = await Promise.all(files.map((name) => copyNew(join(from, name), folder, name)));
    for (const service of services)
      made.push(await copyFolder(join(home, service), folder, join("templates", service)));
    // The settings come last: their presence says that the workspace is whole.
    made.push(await copyNew(join(from, settingsFile), folder, settingsFile));
    return made.flat();
  } catch (cause) {
    const hint = `Choose another folder, or get the right to write to ${folder}`;
    throw new ConfigSyncError("WRITE_FAILED", `the workspace cannot be made: ${(cause as Error).message}`, {
      hint,
      cause,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function copyNew(from: string, folder: string, name: string): Promise<string[]> {
  try {
    const made = join(folder, name);
    await copyFile(from, made, constants.COPYFILE_EXCL);
    if (/\.ini$|^environment\.yaml$/.test(name)) await chmod(made, 0o640); // people will put passwords there
    return [name];
  } catch (error) {
    if (systemCode(error) === "EEXIST") return [];
    throw error;
  }
}

async function copyFolder(from: string, folder: string, name: string): Promise<string[]> {
  const target = join(folder, name);
  if (await exists(target)) return [];
  await cp(from, target, { recursive: true });
  return [`${name}/`];
}
