import { isMet, type Measurement, ratioOf } from "./measurement.ts";

const heads = ["what", "config-sync", "beside it, same run", "ratio", "bar", "met"];

/** The measurements as a Markdown table that is aligned in plain text too. */
export function formatTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map(formatRow);
  const widths = heads.map((head, column) => Math.max(...[head, ...rows.map((row) => row[column] ?? "")].map(width)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(heads), line(widths.map((length) => "-".repeat(length))), ...rows.map(line)].join("\n");
}

function formatRow(measurement: Measurement): string[] {
  const { what, unit, value, beside, bar } = measurement;
  const ratio = ratioOf(measurement);
  const bars = [
    bar.atMost === undefined ? [] : `≤ ${formatAmount(bar.atMost, unit)}`,
    bar.ratio === undefined ? [] : `≤ ${bar.ratio} ×`,
  ];
  return [
    what,
    formatAmount(value, unit),
    beside === undefined ? "" : `${formatAmount(beside.value, unit)} ${beside.name}`,
    ratio === undefined ? "" : `${ratio.toFixed(2)} ×`,
    bars.flat().join(", "),
    { true: "yes", false: "no", undefined: "" }[`${isMet(measurement)}`],
  ];
}

function formatAmount(value: number, unit: Measurement["unit"]): string {
  return `${value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

function width(text: string): number {
  return text.length;
}
