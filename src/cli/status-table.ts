import { formatDuration } from "../config/coerce.ts";
import type { ServiceState, ServiceStatus, StatusReport } from "../sync/status.ts";
import { type Cell, formatTable, formatTime, type Style, type StyleFormat } from "./terminal.ts";

const styles: Readonly<Record<ServiceState, Style>> = {
  healthy: "green",
  absent: "gray",
  pending: "yellow",
  working: "cyan",
  waiting: "yellow",
  drifted: "yellow",
  refused: "red",
  "rolled-back": "red",
  "rolling-back": "red",
  unknown: "yellow",
};

/** The services as a table; under it, for each that is in trouble, why. */
export function formatServices(services: readonly ServiceStatus[], style: StyleFormat, now = Date.now()): string {
  const head = ["SERVICE", "STATE", "DESIRED", "LIVE", "DRIFT", "LAST RELOAD", "RETRY"];
  const table = formatTable(
    head,
    services.map((service) => toRow(service, now)),
    style,
  );
  const troubles = services.flatMap(({ name, trouble }) =>
    trouble === null ? [] : [`${style("bold", name)}: ${style("red", trouble.message)}`],
  );
  return [table, ...(troubles.length > 0 ? ["", ...troubles] : [])].join("\n");
}

/** What is wrong with the sources, and what that means for the services; nothing where all is well. */
export function formatProblems({ daemon, problems }: StatusReport, style: StyleFormat): string[] {
  if (problems.length === 0) return [];
  const meanwhile = daemon === null ? "Nothing is applied" : "The last good values stay in force";
  return [...problems.map(({ text }) => style("red", text)), style("yellow", `${meanwhile} until this is mended.`), ""];
}

function toRow(
  { name, state, desired, live, drift, lastReload, retryAt }: ServiceStatus,
  now: number,
): (Cell | string)[] {
  return [
    name,
    { text: state, style: styles[state] },
    formatRevision(desired),
    formatRevision(live),
    drift ? { text: "yes", style: "yellow" } : "no",
    lastReload === null ? "-" : `${formatTime(lastReload.at, now)} (${formatDuration(lastReload.took)})`,
    retryAt === null ? "-" : retryAt <= now ? "due" : formatTime(retryAt, now),
  ];
}

function formatRevision(revision: number | null): string {
  return revision === null ? "-" : String(revision);
}
