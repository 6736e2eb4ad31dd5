import { type Digest, type Snapshot, secretTexts } from "../config/layers.ts";
import { type Redact, redactor } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import { readLedger } from "../sync/ledger.ts";
import { type Renderings, renderAll } from "../sync/renderings.ts";
import type { SecretKnowledge } from "../sync/shown-diff.ts";
import { type Surveyed, surveyInOrder } from "../sync/survey.ts";
import { inputsOf, openWorkspace, secretsOf, type Workspace } from "../workspace.ts";

/** A workspace as it stands, looked at without touching anything: what plan, status, validate and explain start from. */
export interface Inspection {
  readonly workspace: Workspace;
  readonly problems: readonly ConfigSyncError[];
  /** Undefined while the sources have problems: nobody knows what is wanted then. */
  readonly snapshot: Snapshot | undefined;
  readonly renderings: Renderings;
  readonly ledger: Awaited<ReturnType<typeof readLedger>>;
}

export async function inspectWorkspace(folder: string): Promise<Inspection> {
  const workspace = await openWorkspace(folder);
  const [{ snapshot, problems }, ledger] = await Promise.all([
    workspace.app.look(),
    readLedger(workspace.ledgerFile, workspace.keys),
  ]);
  const renderings =
    snapshot === undefined
      ? new Map()
      : renderAll(workspace.services, { snapshot, ...inputsOf(workspace), digest: workspace.digest });
  return { workspace, problems, snapshot, renderings, ledger };
}

/** Every service with its plan, in the order of application. */
export function survey({ workspace, renderings, ledger }: Inspection): Promise<Surveyed[]> {
  const { digest, settings, services } = workspace;
  return surveyInOrder(services, renderings, { ledger, digest, roots: settings.roots });
}

/** Throws the first of the problems that keep the sources from being used. */
export function requireSnapshot({ snapshot, problems }: Inspection): Snapshot {
  if (snapshot !== undefined) return snapshot;
  const [first, ...rest] = problems;
  if (first === undefined) throw new ConfigSyncError("INTERNAL", "no values and no reason for it");
  if (rest.length === 0) throw first;
  throw new ConfigSyncError(first.code, [first, ...rest].map((problem) => problem.toText()).join("\n"));
}

export function secretKnowledge({
  workspace,
  snapshot,
}: Inspection): SecretKnowledge & { redact: Redact; digest: Digest } {
  return {
    isSecret: secretsOf(workspace.settings),
    digest: workspace.digest,
    redact: redactor(snapshot === undefined ? [] : secretTexts(snapshot)),
  };
}
