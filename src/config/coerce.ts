/** Written quantities of the settings and manifests as numbers. Each returns undefined for what it does not understand. */

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `200ms`, `10s`, `1.5m`, `2h` in milliseconds. A bare number is refused: nobody remembers which unit it was. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  if (match === null) return undefined;
  const milliseconds = Number(match[1]) * units[match[2] as keyof typeof units];
  return milliseconds <= Number.MAX_SAFE_INTEGER ? Math.round(milliseconds) : undefined;
}

/** `0.3 s`, `2.0 min`: a duration for people. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${(milliseconds / 60_000).toFixed(1)} min`;
}

/** `true/yes/on/1` and `false/no/off/0` in any case, the words that Python's getboolean knows. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (["true", "yes", "on", "1"].includes(word)) return true;
  if (["false", "no", "off", "0"].includes(word)) return false;
  return undefined;
}
