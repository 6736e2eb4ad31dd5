import { type Path, parsePath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";

/** A section, or a key in it, as a person writes it. Throws USAGE. */
export function readPath(written: string): Path {
  const path = parsePath(written);
  if (path !== undefined && path.length <= 2) return path;
  throw new ConfigSyncError("USAGE", `"${written}" is neither a section nor a key in one`, {
    hint: "Write SECTION or SECTION.KEY; a segment that holds a dot stands in brackets: [log.console].level",
  });
}
