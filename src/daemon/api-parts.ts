/** The daemon as the HTTP API sees it. */
import { userInfo } from "node:os";
import { basename } from "node:path";
import type { Access } from "../access/access.ts";
import type { ApiApp, ApiParts, GivenEnvironment } from "../api/http/parts.ts";
import type { ChangeRequest, Edit } from "../apps/change.ts";
import type { Door } from "../apps/door.ts";
import type { TreeApps } from "../apps/tree-app.ts";
import { auditFolder } from "../audit/files.ts";
import { listEntries } from "../audit/query.ts";
import { type Snapshot, secretTexts } from "../config/layers.ts";
import { redactor } from "../config/secret.ts";
import { asConfigSyncError, ConfigSyncError } from "../errors.ts";
import type { RenderedOutput } from "../services/render.ts";
import type { Engine, EngineState } from "../sync/engine.ts";
import type { Emit } from "../sync/events.ts";
import { explainKeys } from "../sync/explain.ts";
import { type Finding, findAll, findingOf } from "../sync/findings.ts";
import type { Ledger } from "../sync/ledger.ts";
import { type Renderings, renderAll } from "../sync/renderings.ts";
import { type ShownPlan, showPlan } from "../sync/shown-plan.ts";
import { surveyInOrder } from "../sync/survey.ts";
import { version } from "../version.ts";
import { inputsOf, secretsOf, type Workspace } from "../workspace.ts";
import type { Commands } from "./commands.ts";
import { type HostContext, hostApp } from "./host-app.ts";
import { advise, findPresent, readPresent } from "./present.ts";

/** A workspace that is being worked on, as far as the API needs it. */
export interface Worked {
  readonly workspace: Workspace;
  readonly door: Door;
  readonly ledger: Pick<Ledger, "record">;
  readonly engine: Pick<Engine, "lookAgain"> & {
    readonly state: () => Pick<EngineState, "snapshot" | "renderings">;
  };
}

export interface ApiContext extends HostContext<Worked> {
  /** The same workspace as its files say now. Throws what is wrong with settings, manifests or templates. */
  readonly onDisk: () => Promise<Workspace>;
  readonly commands: Commands;
  readonly listen: (listener: Emit) => Disposable;
  readonly access: Access;
  readonly trees: TreeApps;
  readonly append: ApiParts["audit"]["append"];
  readonly note: ApiParts["note"];
}

export function apiParts(context: ApiContext): ApiParts {
  const { running, present, commands, listen, access, trees, append, note } = context;
  const agree: ApiParts["agree"] = async (hash, request) => {
    // Everything that is to be done, whatever it is: also where the sources cannot be used just now.
    if (hash === undefined && request.edits.length === 0) return undefined;
    const { plan, head } = await planOn(await present(), request.edits);
    if (hash !== undefined && hash !== plan.hash) throw planMoved();
    if (request.edits.length === 0) return undefined;
    // What the plan was made on is what the values are set on.
    return (await present()).door.change({ ...request, expected: request.expected ?? head });
  };

  return {
    access,
    trees,
    audit: { append, list: (query) => listEntries(auditFolder(running().workspace.settings.state), query) },
    note,
    version,
    plan: async (edits) => (await planOn(running(), edits)).plan,
    agree,
    apply: commands.apply,
    owner: userInfo().username,
    app: (name) => (name === running().door.name ? apiApp(context) : undefined),
    services: () =>
      [...running().engine.state().renderings].map(([name, { wanted, error }]) => {
        const service = error === undefined ? wanted?.service : undefined;
        return { name, uses: service?.used, environment: service?.outputs.flatMap(environmentIn) ?? [] };
      }),
    status: commands.status,
    lookAgain: () => running().engine.lookAgain(),
    reload: commands.reload,
    retry: commands.retry,
    explain: async (path) => {
      const { snapshot, renderings } = await readPresent(running());
      return explainKeys(path, snapshot, renderings);
    },
    subscribe: (tell) => {
      const listening = listen(tell);
      return () => listening[Symbol.dispose]();
    },
  };
}

function apiApp(context: ApiContext): ApiApp {
  const { running, present, onDisk } = context;
  const { environment } = running().workspace.settings;
  return {
    ...hostApp(context),
    environment: environment && basename(environment),
    rollBack: async (request) => (await present()).door.rollBack(request),
    seal: async (request) => (await present()).door.seal(request),
    validate: (edits) => (edits.length === 0 ? findPresent(running(), onDisk) : validateEdits(running(), edits)),
  };
}

function environmentIn({ shownPath, format, environment }: RenderedOutput): GivenEnvironment[] {
  return environment === undefined ? [] : [{ output: shownPath, dialect: format.name, variables: environment }];
}

/** What would be done if these values were set; with none, what is to be done now. `head`: the revision that it was found on. */
async function planOn(running: Worked, edits: readonly Edit[]): Promise<{ plan: ShownPlan; head: number | undefined }> {
  const { workspace, ledger, door } = running;
  const { digest, settings, services } = workspace;
  const present = edits.length === 0 ? await readPresent(running) : undefined;
  const head = door.current().revision?.number;
  const { snapshot, renderings } = present ?? (await imagine(running, edits, head));
  const surveyed = await surveyInOrder(services, renderings, { ledger, digest, roots: settings.roots });
  const inForce = running.engine.state().snapshot;
  const known = {
    isSecret: secretsOf(settings),
    redact: redactor([...secretTexts(snapshot), ...(inForce === undefined ? [] : secretTexts(inForce))]),
    digest,
  };
  return { plan: await showPlan(surveyed, known), head };
}

async function imagine(
  { workspace, engine, door }: Worked,
  edits: readonly Edit[],
  expected?: number,
): Promise<{ snapshot: Snapshot; renderings: Renderings }> {
  const request: ChangeRequest = { edits, author: "", message: "", expected };
  const { candidate, changes } = await door.rehearse(request);
  const inputs = { ...inputsOf(workspace), digest: workspace.digest, snapshot: candidate };
  const before = { renderings: engine.state().renderings, changes };
  return { snapshot: candidate, renderings: renderAll(workspace.services, inputs, before) };
}

async function validateEdits(running: Worked, edits: readonly Edit[]): Promise<readonly Finding[]> {
  const { services, settings } = running.workspace;
  try {
    const { snapshot, renderings } = await imagine(running, edits);
    const violations = await advise(running, snapshot);
    return findAll({ problems: [], snapshot, renderings, services, roots: settings.roots, violations });
  } catch (error) {
    const { cause } = asConfigSyncError(error);
    const all: unknown[] = cause instanceof AggregateError ? cause.errors : [error];
    return all.map((one) => findingOf(asConfigSyncError(one)));
  }
}

function planMoved(): ConfigSyncError {
  return new ConfigSyncError("PLAN_MOVED", "something changed since this plan was made", {
    hint: "Look at the new plan, and apply that one",
  });
}
