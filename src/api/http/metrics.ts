/** Figures for Prometheus, in its text format: what the server counts itself, and what the status says when it is asked. */
import type { SyncEvent } from "../../sync/events.ts";
import type { StatusReport } from "../../sync/status.ts";
import type { AnswerEvent } from "./answer-log.ts";

export interface Metrics {
  readonly note: (event: AnswerEvent) => void;
  readonly noteEvent: (event: SyncEvent) => void;
  readonly write: (report: StatusReport, now: Now) => string;
}

/** What is only true at the moment. */
interface Now {
  readonly streams: number;
  readonly sockets: number;
  readonly version: string;
}

/** Seconds. An answer that is read from memory takes a fraction of the first, one that is held for health up to the last. */
const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60] as const;

/** Of a route. */
interface Answers {
  readonly method: string;
  readonly route: string;
  readonly byStatus: Map<number, number>;
  /** Of each bucket alone. */
  readonly counts: number[];
  sum: number;
  count: number;
}

export function createMetrics(): Metrics {
  /** By method and route. Labels are written when they are asked for: that is far less often. */
  const answers = new Map<string, Map<string, Answers>>();
  const steps = new Map<string, number>();

  const answersOf = (method: string, route: string): Answers => {
    const known = answers.get(method)?.get(route);
    if (known !== undefined) return known;
    const made = { method, route, byStatus: new Map(), counts: buckets.map(() => 0), sum: 0, count: 0 };
    const ofMethod = answers.get(method) ?? new Map<string, Answers>();
    answers.set(method, ofMethod.set(route, made));
    return made;
  };

  const note = (event: AnswerEvent): void => {
    if (event.type !== "answered") return;
    const { method, route, status, took } = event;
    const known = answersOf(method, route);
    known.byStatus.set(status, (known.byStatus.get(status) ?? 0) + 1);
    const bucket = buckets.findIndex((limit) => took / 1000 <= limit);
    if (bucket >= 0) known.counts[bucket] = (known.counts[bucket] ?? 0) + 1;
    known.sum += took / 1000;
    known.count++;
  };

  const noteEvent = (event: SyncEvent): void => {
    if (event.type === "service") count(steps, labels({ service: event.service, step: event.step }));
  };

  const write: Metrics["write"] = (report, { streams, sockets, version }) => {
    const { daemon, revision, problems, services } = report;
    const memory = process.memoryUsage.rss();
    const all = [...answers.values()].flatMap((ofMethod) => [...ofMethod.values()]);
    const families = [
      family("info", "gauge", "Always 1.", [[labels({ version }), 1]]),
      family("start_time_seconds", "gauge", "When the daemon started.", [["", (daemon?.since ?? 0) / 1000]]),
      family("resident_memory_bytes", "gauge", "Memory of the process.", [["", memory]]),
      family("revision", "gauge", "The newest configuration that was taken up.", [["", revision?.number ?? 0]]),
      family("source_problems", "gauge", "What keeps the sources from being used.", [["", problems.length]]),
      family(
        "service_state",
        "gauge",
        "1 for the state that the service is in.",
        services.map(({ name, state }) => [labels({ service: name, state }), 1]),
      ),
      family(
        "service_revision",
        "gauge",
        "The revision that the service was last healthy on.",
        services.map(({ name, live }) => [labels({ service: name }), live ?? 0]),
      ),
      family("service_steps_total", "counter", "Steps of the engine since the start.", [...steps]),
      family("event_streams", "gauge", "Readers of the events.", [["", streams]]),
      family("app_sockets", "gauge", "Readers of apps, by WebSocket.", [["", sockets]]),
      family("http_requests_total", "counter", "Answers.", all.flatMap(samplesByStatus)),
      histogram("http_request_duration_seconds", "How long answers took.", all),
    ];
    return families.join("");
  };

  return { note, noteEvent, write };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** `{method="GET",route="/health"}`, escaped as the text format asks for. */
function labels(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([name, value]) => {
    const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
    return `${name}="${escaped}"`;
  });
  return `{${pairs.join(",")}}`;
}

type Samples = readonly (readonly [labels: string, value: number])[];

function family(name: string, type: "gauge" | "counter", help: string, samples: Samples): string {
  const lines = samples.map(([labelled, value]) => `config_sync_${name}${labelled} ${value}\n`);
  return `# HELP config_sync_${name} ${help}\n# TYPE config_sync_${name} ${type}\n${lines.join("")}`;
}

function samplesByStatus({ method, route, byStatus }: Answers): Samples {
  return [...byStatus].map(([status, count]) => [labels({ method, route, status: `${status}` }), count]);
}

/** In the text format a bucket holds what is in the smaller ones, too. */
function histogram(name: string, help: string, answers: readonly Answers[]): string {
  const lines = answers.flatMap(({ method, route, counts, sum, count: total }) => {
    const labelled = labels({ method, route });
    const inBucket = (limit: string): string => `${labelled.slice(0, -1)},le="${limit}"}`;
    let below = 0;
    const cumulated = buckets.map((limit, index) => {
      below += counts[index] ?? 0;
      return `_bucket${inBucket(`${limit}`)} ${below}`;
    });
    return [
      ...cumulated,
      `_bucket${inBucket("+Inf")} ${total}`,
      `_sum${labelled} ${sum}`,
      `_count${labelled} ${total}`,
    ];
  });
  const head = `# HELP config_sync_${name} ${help}\n# TYPE config_sync_${name} histogram\n`;
  return head + lines.map((line) => `config_sync_${name}${line}\n`).join("");
}
