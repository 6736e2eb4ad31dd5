import { lstatSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";

/** A name on the way to a file, whose change can make the path mean another file. */
export interface Step {
  /** Real, without symlinks. */
  readonly folder: string;
  readonly name: string;
}

const linkLimit = 40;

/**
 * Every symlink on the way from `/` to the file, and the file itself as the last step. A Kubernetes volume gives `config.ini`
 * (a link), `..data` (a link) and the file. What is missing ends the walk: the last step is then the name that is missing, or
 * the file's name in a folder that is not there.
 */
export function followLinks(path: string): Step[] {
  const steps: Step[] = [];
  let folder = "/";
  let ahead = path.split("/").filter((name) => name !== "");
  for (let links = 0; ahead.length > 0; ) {
    const [name = "", ...rest] = ahead;
    ahead = rest;
    if (name === ".") continue;
    if (name === "..") {
      folder = dirname(folder);
      continue;
    }
    const link = links < linkLimit ? readLink(join(folder, name)) : undefined;
    if (link !== undefined) {
      links++;
      steps.push({ folder, name });
      if (isAbsolute(link)) folder = "/";
      ahead = [...link.split("/").filter((part) => part !== ""), ...rest];
    } else if (rest.length === 0) steps.push({ folder, name });
    else folder = join(folder, name);
  }
  return steps;
}

/** Whether the name leads on by now. Where it does not, a chain that ended there still does. */
export function isLink({ folder, name }: Step): boolean {
  return readLink(join(folder, name)) !== undefined;
}

function readLink(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function join(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}
