import type { Field, Format } from "../format.ts";
import { aloneBehind, createIniFormat, identifyExactly } from "./dialect.ts";
import type { Document, Pair } from "./document.ts";
import { isPair } from "./document.ts";
import { escapePercent } from "./python.ts";
import { scanPython } from "./python-lines.ts";
import { parseFailed, refuseUnwritable, unrepresentable } from "./refusal.ts";

/** A value that begins a comment somewhere: `;` or `#` behind any of Python's white space. */
const inlineComment = /[\s\x1c-\x1f\x85][;#]/;

/**
 * supervisord's own files: Python's RawConfigParser with `;` and `#` as comments behind white space, last duplicate wins,
 * and every value a Python format string (`%%`, `%(ENV_HOME)s`). Expansions are read as they stand; what they become
 * depends on the environment that supervisord was started with.
 */
const dialect = createIniFormat({
  dialect: {
    name: "ini:supervisor",
    scan: scanSupervisor,
    identify: identifyExactly,
    continuesByIndent: true,
  },
  alone: aloneBehind("=:", false),
  spell: (value) => (hasHere(value) ? [] : [escapePercent(value).replaceAll("\n", "\n\t")]),
  partProblem: (value) => {
    // A comma ends a member of environment= and begins the next one.
    if (/[\r\n"',]/.test(value)) return "has a quote, a comma or a line break";
    if (inlineComment.test(value) || /^[;#]/.test(value)) return "has ; or # where a comment begins";
    return hasHere(value) ? "has %(here)s" : undefined;
  },
  spellPart: escapePercent,
  fields: (document) => document.lines.filter(isPair).map((pair) => readExpansions(document, pair)),
  hint: "Choose a value without blank + ; or #, %(here)s, line breaks, or blanks at its ends",
});

export const supervisorIni: Format = { ...dialect, forms: { environment: writeEnvironment } };

/**
 * The value of one `KEY=` inside `environment=`, quoted: `"a,b=c"`. Exact for supervisord up to 4.3, which knows no escape for
 * a quote. Throws UNREPRESENTABLE for what it would cut, split or strip.
 *
 * For `[program:x]`. supervisord expands `environment=` of `[supervisord]` itself twice, so that a `%` there fails.
 */
export function writeEnvironment(value: string): string {
  refuseUnwritable(value);
  if (/["\r\n]/.test(value)) throw notForEnvironment('has a " or a line break');
  if (inlineComment.test(value)) throw notForEnvironment("has ; or # behind a blank, which begins a comment");
  if (/^'|'$/.test(value)) throw notForEnvironment("begins or ends with ', which supervisord strips");
  if (hasHere(value)) throw notForEnvironment("has %(here)s, which supervisord replaces however it is escaped");
  return `"${escapePercent(value)}"`;
}

function notForEnvironment(problem: string): Error {
  return unrepresentable(
    `in supervisord's environment=, a value that ${problem} cannot be written`,
    "Give it to the program in a file of its own, or choose another value",
  );
}

/** With an `[include]`, supervisord replaces this text before it looks at `%%`. */
function hasHere(value: string): boolean {
  return value.includes("%(here)s");
}

function scanSupervisor(text: string): Document {
  if (text.startsWith("\uFEFF")) {
    throw parseFailed("supervisord refuses a byte order mark", { line: 1, column: 1 }, "Save the file without it");
  }
  return scanPython(text, { inlineComments: true, strict: false });
}

/** A conversion of Python's `%` operator with a name, such as `%(process_num)02d`. */
const conversion = /%(?:%|\([^()]*\)[-#0 +]*\d*(?:\.\d*)?[hlL]?[diouxXeEfFgGcrsa])?/g;

function readExpansions(document: Document, { path, literal, value, number, start }: Pair): Field {
  const resolved = literal.replace(conversion, (found) => {
    if (found !== "%") return found === "%%" ? "%" : found;
    const column = document.text.indexOf("%", value.start) - start + 1;
    throw parseFailed("a single % stops supervisord", { line: number, column }, "Write %% for the character %");
  });
  return { path, value: resolved, ...value, line: number };
}
