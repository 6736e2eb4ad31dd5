/**
 * cockpit-ws's reader of cockpit.conf (src/common/cockpitconf.c), written again from its three regular expressions and apart
 * from src/formats. `[[:space:]]` and the like are those of the C locale, in which services run.
 *
 * Lines end at `\n`; each is a `[section]` alone, `Key = value` with a key of letters, digits and `-`, a `#` comment, or
 * empty. Any other line, and a key before a section, discards the whole file. White space behind a value stays. Sections and
 * keys are compared as ASCII without case, and the last one counts. A NUL ends its line for the expressions.
 */
import { keyOf, plainReading, type Verdict } from "../reading.ts";

const header = /^[\t-\r ]*\[([^[\]\x00-\x1f\x7f]+)\][\t-\r ]*$/;
const pair = /^[\t-\r ]*([0-9A-Za-z-]+)[\t-\r ]*=[\t-\r ]*([^\n]*)\n?$/;
const nothing = /^[\t-\r ]*(#.*)?$/s;

export function readCockpitConf(text: string): Verdict {
  const values = new Map<string, string>();
  let section: string | undefined;
  for (const whole of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const line = whole.split("\0", 1)[0] ?? "";
    const name = header.exec(line)?.[1];
    const [, key, value] = name === undefined ? (pair.exec(line) ?? []) : [];
    if (name !== undefined) section = fold(name);
    else if (key !== undefined && value !== undefined) {
      if (section === undefined) return undefined;
      values.set(keyOf([section, fold(key)]), value);
    } else if (!nothing.test(line)) return undefined;
  }
  return plainReading(values);
}

/** As strcasecmp in the C locale compares. */
export function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
