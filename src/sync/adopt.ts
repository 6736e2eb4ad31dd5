import type { Edit } from "../apps/change.ts";
import { formatPath, parsePath } from "../config/path.ts";
import { ConfigSyncError } from "../errors.ts";
import type { OutputPlan } from "./plan.ts";

/**
 * What must change in the configuration so that the output becomes what somebody else made of its file. Pure. Throws VALUE_INVALID
 * where no value of the configuration could say it: a key of ours that is gone, or that is put together from several values.
 */
export function editsToAdopt({ output, current }: OutputPlan): Edit[] {
  const wanted = output.format.read(output.text);
  const found = new Map(
    output.format.read(current?.bytes.toString() ?? "").map((field) => [formatPath(field.path), field.value]),
  );
  const edits: Edit[] = [];
  for (const { path, value } of wanted) {
    const field = formatPath(path);
    const now = found.get(field);
    if (now === value) continue;
    const key = parsePath(output.origins.get(field) ?? "");
    if (now === undefined || key === undefined) {
      const what = now === undefined ? "was removed" : "is not written from one value as it stands";
      throw new ConfigSyncError("VALUE_INVALID", `${field} in ${output.shownPath} ${what}, so it cannot be adopted`, {
        key: field,
        hint: "Change the configuration by hand, or bring the file back with config-sync reload",
      });
    }
    edits.push({ path: key, value: now });
  }
  return edits;
}
