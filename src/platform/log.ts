/**
 * The log: pino, as JSON for collectors or as lines for people. Secrets do not come this far; the redaction of telling names
 * is a second net.
 */
import { type DestinationStream, type Logger, pino } from "pino";
import { secretMark } from "../config/secret.ts";

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  readonly format: "text" | "json";
  /** Colours, for text. */
  readonly style: (style: "green" | "red" | "cyan" | "gray" | "yellow" | "reset", text: string) => string;
  readonly destination?: DestinationStream;
}

export function createLog({ level, format, style, destination }: LogOptions): Log {
  const out = destination ?? openStandardOutput();
  const options = { level, base: null, redact: { paths: secretNames, censor: secretMark } };
  return pino(options, format === "json" ? out : { write: (line) => void out.write(toText(line, style)) });
}

/** Characters that are kept for later while the log cannot be written. */
const backlog = 256 * 1024;

/**
 * Writes synchronously: what was said is out, also when the process is killed next. What cannot be written (the disk under the log is
 * full, the terminal was closed) goes out with a later line, or is lost: no reason to end.
 */
function openStandardOutput(): DestinationStream {
  const out = pino.destination({ dest: 1, sync: true, maxLength: backlog });
  out.on("error", () => undefined);
  return out;
}

/** Fixed paths: pino looks for wildcards in every line, which costs more than the line itself. */
const secretNames = ["password", "passwd", "pwd", "secret", "token", "authorization", "api_key", "apiKey"].flatMap(
  (name) => [name, `event.${name}`, `error.${name}`],
);

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly about?: string;
  readonly tone?: Tone;
}

export type Tone = "good" | "bad" | "busy" | "quiet";

const styles = { good: "green", bad: "red", busy: "cyan", quiet: "gray" } as const;

/** `14:03:05 gitea        healthy on revision 7`. Lines after the first are indented under the text. */
function toText(json: string, format: LogOptions["style"]): string {
  const { level, time, msg = "", about = "", tone } = JSON.parse(json) as Line;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const style = tone === undefined ? (level >= 50 ? "red" : level >= 40 ? "yellow" : "reset") : styles[tone];
  const text = format(style, msg.replaceAll("\n", `\n${" ".repeat(9)}${"".padEnd(nameWidth)} `));
  return `${format("gray", clock)} ${about.padEnd(nameWidth)} ${text}\n`;
}

const nameWidth = 14;
