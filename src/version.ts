import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package: above `src/` in a checkout, above `dist/` in the package, where all code is right in it. */
export const packageFolder = fileURLToPath(new URL("..", import.meta.url));

const manifest = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };

/** The version of the package that this program is part of. */
export const version = manifest.version;
