import { isMet, type Measurement, ratioOf } from "./measurement.ts";

/** The measurements as a Markdown table that is aligned in plain text too. A column for the peer where there is one. */
export function formatTable(measurements: readonly Measurement[]): string {
  const hasPeer = measurements.some(({ peer }) => peer !== undefined);
  const heads = ["what", "config-sync", "beside it, same run", "ratio", ...(hasPeer ? ["peer"] : []), "bar", "met"];
  const rows = measurements.map((measurement) => formatRow(measurement, hasPeer));
  const widths = heads.map((head, column) => Math.max(...[head, ...rows.map((row) => row[column] ?? "")].map(width)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(heads), line(widths.map((length) => "-".repeat(length))), ...rows.map(line)].join("\n");
}

function formatRow(measurement: Measurement, hasPeer: boolean): string[] {
  const { what, unit, value, beside, peer } = measurement;
  const ratio = ratioOf(measurement);
  return [
    what,
    formatAmount(value, unit),
    beside === undefined ? "" : `${formatAmount(beside.value, unit)} ${beside.name}`,
    ratio === undefined || !Number.isFinite(ratio) ? "" : `${ratio.toFixed(2)} ×`,
    ...(hasPeer ? [peer === undefined ? "" : formatAmount(peer, unit)] : []),
    formatBar(measurement),
    { true: "yes", false: "no", undefined: "" }[`${isMet(measurement)}`],
  ];
}

function formatBar({ unit, bar: { atMost, atLeast, ratio } }: Measurement): string {
  if (atMost === 0) return "none";
  return [
    atMost === undefined ? [] : `≤ ${formatAmount(atMost, unit)}`,
    atLeast === undefined ? [] : `≥ ${formatAmount(atLeast, unit)}`,
    ratio === undefined ? [] : `≤ ${ratio} ×`,
  ]
    .flat()
    .join(", ");
}

function formatAmount(value: number, unit: Measurement["unit"]): string {
  if (Number.isNaN(value)) return "failed";
  if (!Number.isFinite(value)) return "never";
  const number = value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString("en");
  return `${number} ${value === 1 ? (singular[unit] ?? unit) : unit}`;
}

const singular: Partial<Record<Measurement["unit"], string>> = {
  times: "time",
  reloads: "reload",
  reads: "read",
  calls: "call",
};

function width(text: string): number {
  return text.length;
}
