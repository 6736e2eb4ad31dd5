/**
 * Planning: what is wanted, what is there and what the ledger remembers, turned into what would be done and why. Pure: the
 * dry run, the diff, the status and the apply read the same plan.
 */
import type { Digest } from "../config/layers.ts";
import { formatPath, type Path, parsePath } from "../config/path.ts";
import { matchPaths } from "../config/pattern.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Current } from "../platform/safe-write.ts";
import type { RenderedOutput, RenderedService, ResolvedRule } from "../services/render.ts";
import type { Observed } from "./observe.ts";
import type { ServiceRecord } from "./record.ts";

export interface OutputPlan {
  readonly output: RenderedOutput;
  /**
   * `wait`: a file that the output requires is not there, or there is nothing to write yet. `leave`: somebody else changed it, and the
   * manifest says to leave it so.
   */
  readonly action: "create" | "update" | "keep" | "wait" | "leave";
  readonly current: Current | undefined;
  /** What the file shall hold. */
  readonly text: string;
  /** The keys in it that are there because of us, to be removed when they are no longer rendered. */
  readonly owned: readonly string[];
  /** What is missing, for `wait`. */
  readonly lacks: string | undefined;
}

export interface ServicePlan {
  readonly service: string;
  /**
   * `current`: nothing to do. `absent`: nothing can be done, the files that the service itself makes are not there.
   * `quarantined`: this has failed and is not tried again by itself. `rollback`: this has failed, and the way back to the last
   * good state is not finished.
   */
  readonly verdict: "current" | "absent" | "apply" | "quarantined" | "rollback";
  readonly outputs: readonly OutputPlan[];
  /** The outputs that no longer hold what was applied, though no configuration changed. */
  readonly drifted: readonly OutputPlan[];
  /** The digest of the outputs that are wanted. */
  readonly digest: string;
  readonly reload: ResolvedRule["action"] | undefined;
  /** Why there is something to do, for people: `gitea.http_port changed`. */
  readonly why: string;
  /** The digests of the configuration values that the outputs are made of. */
  readonly keys: Readonly<Record<string, string>>;
  /** A digest of what else they are made of. */
  readonly form: string;
}

export interface PlanInputs {
  readonly service: RenderedService;
  /** The digests of the configuration values that the outputs are made of. */
  readonly keys: Readonly<Record<string, string>>;
  /** A digest of what else they are made of. */
  readonly form: string;
  readonly observed: readonly Observed[];
  readonly record: ServiceRecord;
  readonly digest: Digest;
  /** Somebody asked for a reload: quarantine and "nothing to do" do not count. */
  readonly forced?: boolean;
}

export function planService(inputs: PlanInputs): ServicePlan {
  const { service, keys, form, record, digest } = inputs;
  const needed = inputs.observed.map((observed) => planOutput(observed, record));
  const wanted = digestOutputs(needed, digest);
  const isApplied = record.written?.digest === wanted && record.healthy?.digest === wanted;
  const forced = inputs.forced === true;
  const drifted = isApplied ? needed.filter(isTouched) : [];
  const outputs = needed.map((plan) => (drifted.includes(plan) && !forced ? followPolicy(plan) : plan));
  const touched = outputs.some(isTouched);
  const owed = record.healthy?.digest !== wanted || record.undo !== undefined || record.ill;
  const changedKeys = Object.keys({ ...record.keys, ...keys }).filter((key) => record.keys[key] !== keys[key]);
  const absent = outputs.every(({ action }) => action === "wait");
  const verdict = absent ? "absent" : forced ? "apply" : judge(service, record, touched || owed);
  const everything =
    record.loaded === undefined || record.form !== form || drifted.length > 0 || changedKeys.length === 0 || forced;
  // Owner and mode are put right without a word to the service: it has read the file.
  const unloaded = outputs.some(isRewritten) || record.loaded?.digest !== wanted || forced;
  // A turn that ended without an answer may have loaded what it wrote: the reload that it needed is needed again.
  const atLeast = record.loaded?.digest === record.written?.digest ? undefined : record.undo?.rule;
  return {
    service: service.name,
    verdict,
    outputs,
    drifted,
    digest: wanted,
    reload:
      verdict === "apply" && unloaded
        ? chooseReload(service.reload, everything ? undefined : changedKeys, atLeast)
        : undefined,
    why: forced
      ? "asked for"
      : explainWhy({ verdict, drifted: drifted.length > 0, touched, changedKeys, record, lacks: outputs[0]?.lacks }),
    keys,
    form,
  };
}

/** Whether something is to be written. */
export function isTouched({ action }: OutputPlan): boolean {
  return action === "create" || action === "update";
}

function isRewritten({ action, current, text }: OutputPlan): boolean {
  return action === "create" || (action === "update" && current?.bytes.equals(Buffer.from(text)) !== true);
}

function followPolicy(plan: OutputPlan): OutputPlan {
  return plan.output.drift === "repair" ? plan : { ...plan, action: "leave" };
}

function judge(service: RenderedService, record: ServiceRecord, work: boolean): ServicePlan["verdict"] {
  if (record.quarantine?.fingerprint !== service.fingerprint) return work ? "apply" : "current";
  return record.undo === undefined ? "quarantined" : "rollback";
}

function planOutput({ output, current, lacks }: Observed, record: ServiceRecord): OutputPlan {
  const ours = record.owned[output.path] ?? [];
  if (lacks !== undefined) return { output, action: "wait", current, text: output.text, owned: ours, lacks };
  if (ours.length === 0 && isEmpty(output)) {
    return { output, action: "wait", current, text: output.text, owned: ours, lacks: "a value to write" };
  }
  const { text, owned } = mergeOutput(output, current, ours);
  const plan = { output, current, text, owned, lacks };
  if (current === undefined) return { ...plan, action: "create" };
  const same = current.bytes.equals(Buffer.from(text)) && hasAttributes(output, current);
  return { ...plan, action: same ? "keep" : "update" };
}

/** A merge of no keys: who configures nothing for a service gets no file made or touched, and the service is not bothered. */
function isEmpty({ merge, format, text }: RenderedOutput): boolean {
  return merge && format.read(text).length === 0;
}

function mergeOutput(
  output: RenderedOutput,
  current: Current | undefined,
  ours: readonly string[],
): { text: string; owned: readonly string[] } {
  if (!output.merge || output.format.merge === undefined) return { text: output.text, owned: [] };
  const wanted = output.format.read(output.text).map((field) => formatPath(field.path));
  if (current === undefined) return { text: output.text, owned: wanted };
  const existing = decode(output, current);
  const rendered = new Set(wanted);
  const gone = ours.filter((key) => !rendered.has(key)).map(pathOf);
  try {
    const merged = output.format.merge(existing, output.text, gone);
    const written = new Set([...ours, ...merged.written.map(formatPath)]);
    return { text: merged.text, owned: wanted.filter((key) => written.has(key)) };
  } catch (error) {
    throw error instanceof ConfigSyncError ? error.with({ place: { file: output.shownPath } }) : error;
  }
}

/** A file that is not UTF-8 would come back damaged from a merge: it is left alone. */
function decode(output: RenderedOutput, current: Current): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(current.bytes);
  } catch (cause) {
    throw new ConfigSyncError(
      "PARSE_FAILED",
      "the file that is there is not UTF-8 text, so nothing can be merged into it",
      {
        place: { file: output.shownPath },
        hint: "Move it away, or set merge: false in the manifest to replace it",
        cause,
      },
    );
  }
}

function pathOf(key: string): Path {
  return parsePath(key) ?? [key];
}

function hasAttributes({ mode, owner }: RenderedOutput, current: Current): boolean {
  if (mode !== undefined && (current.mode & 0o7777) !== mode) return false;
  return owner === undefined || (owner.uid === current.uid && owner.gid === current.gid);
}

/** Outputs that wait do not count, nor do those whose last key was removed: from the next look on they wait. */
function digestOutputs(outputs: readonly OutputPlan[], digest: Digest): string {
  const rows = outputs
    .filter(({ output, action, owned }) => action !== "wait" && (owned.length > 0 || !isEmpty(output)))
    .map(({ output }) => [output.path, output.text, output.mode ?? null, output.owner ?? null]);
  return digest(JSON.stringify(rows));
}

/**
 * The cheapest reload that suffices. Rules stand from cheap to expensive, a later one does what the earlier do: each changed
 * key has the first rule that matches it, and the latest of these is run. `undefined` stands for "anything may have changed".
 * `atLeast` is the position of a rule that is needed in any case.
 */
export function chooseReload(
  rules: readonly ResolvedRule[],
  changedKeys: readonly string[] | undefined,
  atLeast = -1,
): ResolvedRule["action"] | undefined {
  if (changedKeys === undefined) return unlessNone(rules.at(-1));
  const tests = rules.map((rule) => (rule.when === undefined ? () => true : matchPaths(rule.when)));
  const needed = changedKeys.map((key) => tests.findIndex((test) => test(pathOf(key))));
  return unlessNone(rules[Math.max(atLeast, ...needed)]);
}

/** `none: true` says that a key needs no reload: then there is nothing to carry out. */
function unlessNone(rule: ResolvedRule | undefined): ResolvedRule["action"] | undefined {
  return rule?.action.kind === "none" ? undefined : rule?.action;
}

function explainWhy(known: {
  readonly verdict: ServicePlan["verdict"];
  readonly drifted: boolean;
  readonly touched: boolean;
  readonly changedKeys: readonly string[];
  readonly record: ServiceRecord;
  readonly lacks: string | undefined;
}): string {
  const { verdict, drifted, touched, changedKeys, record, lacks } = known;
  if (verdict === "current") return drifted ? "somebody else changed the file, and it is left so" : "nothing to do";
  if (verdict === "absent") return `waits for ${lacks}`;
  if (verdict === "quarantined" || verdict === "rollback")
    return `revision ${record.quarantine?.revision} failed: ${record.quarantine?.reason}`;
  if (drifted) return "somebody else changed the file";
  if (record.healthy === undefined && record.written === undefined) return "first time";
  if (!touched && record.loaded?.digest === record.written?.digest)
    return record.ill ? "not healthy" : "not known to be healthy yet";
  if (!touched) return "written, but not loaded yet";
  if (changedKeys.length === 0) return "the template changed";
  const shown = changedKeys.slice(0, 3).join(", ");
  const rest = changedKeys.length - 3;
  return `${shown}${rest > 0 ? ` and ${rest} more` : ""} changed`;
}
