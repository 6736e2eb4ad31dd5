import type { Look } from "../apps/app.ts";
import { readLedger } from "../sync/ledger.ts";
import type { Renderings } from "../sync/renderings.ts";
import { openWorkspace, renderServices, type Workspace } from "../workspace.ts";

/** A workspace as it stands, looked at by this process and without touching anything: what `doctor` starts from. */
export interface Inspection extends Pick<Look, "snapshot" | "problems"> {
  readonly workspace: Workspace;
  readonly renderings: Renderings;
  readonly ledger: Awaited<ReturnType<typeof readLedger>>;
}

export async function inspectWorkspace(folder: string): Promise<Inspection> {
  const workspace = await openWorkspace(folder);
  const [{ snapshot, problems }, ledger] = await Promise.all([
    workspace.app.look(),
    readLedger(workspace.ledgerFile, workspace.keys),
  ]);
  return { workspace, problems, snapshot, renderings: renderServices(workspace, snapshot), ledger };
}
