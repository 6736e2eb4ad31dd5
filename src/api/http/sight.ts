/** What somebody whose grant is narrowed to sections gets to see of things that are about more than one. Pure. */
import { isAllowed, type Principal, type Right } from "../../access/principal.ts";
import { readEnvironmentSection } from "../../config/environment-section.ts";
import { parsePath } from "../../config/path.ts";
import { ConfigSyncError, type ErrorCode, errorTable } from "../../errors.ts";
import type { RevisionInfo } from "../../history/history.ts";
import type { Problem, SyncEvent } from "../../sync/events.ts";
import type { StatusReport } from "../../sync/status.ts";
import type { ServiceUse } from "./parts.ts";

export interface Sight {
  /** Nothing is hidden. */
  readonly whole: boolean;
  readonly section: (name: string) => boolean;
  /** A written path: `gitea.http_port`. */
  readonly key: (written: string) => boolean;
  /** A service is seen by who may see every section that it is made of: its files and troubles speak of all of them. */
  readonly service: (name: string) => boolean;
}

export function sightOf(
  principal: Principal,
  app: string,
  services: () => readonly ServiceUse[],
  right: Right = "read",
): Sight {
  const whole = isAllowed(principal, right, { app });
  const section = (name: string): boolean => whole || isAllowed(principal, right, { app, section: name });
  const key = (written: string): boolean => section(parsePath(written)?.[0] ?? written);
  const service = (name: string): boolean => {
    if (whole) return true;
    const uses = services().find((one) => one.name === name)?.uses;
    // Of the environment it is made of the variables that it gets; the sections as such only say where another may appear.
    return uses?.every((use) => key(use) || readEnvironmentSection(use) !== undefined) === true;
  };
  return { whole, section, key, service };
}

/** Undefined for what is not for these eyes at all. */
export function seenEvent(event: SyncEvent, sight: Sight): SyncEvent | undefined {
  if (sight.whole) return event;
  switch (event.type) {
    case "revision":
      return { ...event, changes: event.changes.filter(({ key }) => sight.key(key)) };
    case "input-refused":
      return { ...event, problems: event.problems.map((problem) => seenProblem(problem, sight)) };
    case "input-healed":
      return event;
    case "mended":
    case "unwatched":
      return undefined;
    case "service":
      return sight.service(event.service) ? event : undefined;
  }
}

/** What somebody wrote as a reason may speak of any section. By field: of a whole revision the documents stay behind. */
export function seenRevision({ number, parent, author, at, message, hash }: RevisionInfo, sight: Sight): RevisionInfo {
  return { number, parent, author, at, message: sight.whole ? message : "", hash };
}

export function seenStatus(report: StatusReport, sight: Sight): StatusReport {
  if (sight.whole) return report;
  return {
    ...report,
    problems: report.problems.map((problem) => seenProblem(problem, sight)),
    services: report.services.filter(({ name }) => sight.service(name)),
  };
}

/** What they said of a value of one's own; anything else may speak of values of others that it does not go with. */
const ofOwnValue: readonly ErrorCode[] = ["READ_ONLY", "NOT_FOUND", "UNREPRESENTABLE"];

/** Why a change was refused. That it was concerns whoever asked; the reason may name keys that are not for these eyes. */
export function seenRefusal(error: ConfigSyncError, sight: Sight): ConfigSyncError {
  const { code, key } = error;
  if (sight.whole || code === "REVISION_MOVED") return error;
  if (ofOwnValue.includes(code) && key !== undefined && sight.key(key)) return error;
  return new ConfigSyncError(code, errorTable[code].meaning, { cause: error });
}

/** That something is wrong concerns everybody; what, whom it may be told. */
export function seenProblem(problem: Problem, sight: Sight): Problem {
  if (sight.whole) return problem;
  const { code } = problem;
  const kind = errorTable[code as keyof typeof errorTable] as (typeof errorTable)["INTERNAL"] | undefined;
  const message = kind?.meaning ?? code;
  return { code, message, text: message };
}
