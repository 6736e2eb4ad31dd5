import { type Principal, requireRight } from "../../access/principal.ts";
import { readEnvironmentSection } from "../../config/environment-section.ts";
import { mappedSections } from "../../config/mapping.ts";
import type { Edit } from "../../sources/source.ts";
import type { ApiApp } from "./parts.ts";

/**
 * Who maps a variable from a key makes its value appear elsewhere, and so must be one who may read it. Throws FORBIDDEN, and VALUE_INVALID
 * for what is no mapping.
 */
export function requireMapped(principal: Principal, app: ApiApp | undefined, { path, value }: Edit): void {
  if (app?.environment === undefined || value === undefined) return;
  if (readEnvironmentSection(path[0] ?? "")?.kind !== "mapping") return;
  const entry = { path, value, origin: { source: app.environment } };
  for (const section of mappedSections(entry)) requireRight(principal, "read", { app: app.name, section });
}
