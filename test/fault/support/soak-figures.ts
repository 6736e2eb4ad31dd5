import type { Sample } from "./soak-daemon.ts";

type Quantity = keyof Sample;

/** Of one quantity: the least in the middle fifth of the samples, the least in the last fifth, and the most of all. */
interface Figure {
  readonly middle: number;
  readonly end: number;
  readonly most: number;
}

export type Figures = Readonly<Record<Quantity, Figure>>;

/** The least, because what is under way in a moment goes again, and what is never given back is in every sample. */
export function middleAndEnd(samples: readonly Sample[]): Figures {
  const figure = (quantity: Quantity): Figure => {
    const all = samples.map((sample) => sample[quantity]);
    const least = (from: number, to: number): number =>
      Math.min(...all.slice(Math.floor(all.length * from), Math.floor(all.length * to)));
    return { middle: least(0.4, 0.6), end: least(0.8, 1), most: Math.max(...all) };
  };
  return {
    rss: figure("rss"),
    heap: figure("heap"),
    buffers: figure("buffers"),
    timers: figure("timers"),
    handles: figure("handles"),
    files: figure("files"),
    watches: figure("watches"),
    stateBytes: figure("stateBytes"),
    stateFiles: figure("stateFiles"),
  };
}

/** A table for people. */
export function formatFigures(figures: Figures): string {
  const row = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(12) + cells.map((cell) => cell.toLocaleString("en").padStart(14)).join("");
  const rows = Object.entries(figures).map(([name, { middle, end, most }]) => row(name, [middle, end, most]));
  return [row("", ["middle", "end", "most"]), ...rows].join("\n");
}
