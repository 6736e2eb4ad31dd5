import { styleText } from "node:util";
import { escapeControls } from "../sync/events.ts";

export type Style = Parameters<typeof styleText>[0];
export type StyleFormat = (style: Style, text: string) => string;

/** Colours where the stream shows them: a terminal, and neither NO_COLOR nor --no-color. */
export function createStyle(color: boolean, stream: NodeJS.WriteStream): StyleFormat {
  return (style, text) => (color ? styleText(style, text, { stream }) : text);
}

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

/** Rows under a head, columns as wide as their widest cell. The last column is not padded. What the cells say cannot steer the terminal. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  style: StyleFormat,
): string {
  const cells = [head.map((text): Cell => ({ text, style: "bold" })), ...rows.map((row) => row.map(asCell))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.text.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => {
          const pad = column === row.length - 1 ? "" : " ".repeat((widths[column] ?? 0) - cell.text.length);
          return `${cell.style === undefined ? cell.text : style(cell.style, cell.text)}${pad}`;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function asCell(cell: Cell | string): Cell {
  const { text, ...style } = typeof cell === "string" ? { text: cell } : cell;
  return { text: inertText(text), ...style };
}

/** Reasons and names come from anybody, and a terminal obeys some characters: those are spelled out, but for ends of lines. */
export function inertText(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}

/** `12 s ago`, `in 3.0 s`, `2026-11-21 14:03`: a time as a person would say it now. */
export function formatTime(time: number, now: number): string {
  const seconds = Math.round((now - time) / 1000);
  if (Math.abs(seconds) < 100) return seconds >= 0 ? `${seconds} s ago` : `in ${-seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (Math.abs(minutes) < 100) return minutes >= 0 ? `${minutes} min ago` : `in ${-minutes} min`;
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}
