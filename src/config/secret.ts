import { matchPaths, type PathTest } from "./pattern.ts";

export const secretMark = "[secret]";

/**
 * A value that may not be seen. It shows itself as `[secret]` to string conversion, JSON and inspection, so that a log line,
 * an error or a debug print cannot leak it by accident; `reveal` is the only way to the text and easy to search for.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return secretMark;
  }

  toJSON(): string {
    return secretMark;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return secretMark;
  }
}

/** What a source gives for a key. */
export type Value = string | Secret;

/** The text itself. For rendering, comparing and digests only; never for anything that is shown. */
export function reveal(value: Value): string {
  return value instanceof Secret ? value.reveal() : value;
}

/** The names by which keys are known to be secret, whatever the settings say: an addition can only widen this. */
const secretNames =
  /(^|[_.-])(pwd|passwd|password|passphrase|secret|token|credentials?|private_?key|api_?key|jwt)([_.-]|$)|(pwd|passwd|password|secret|token|_encrypted|secret_?key|api_?key)$/i;

/**
 * The test for secret keys: a telling last segment (`user_pwd`, `INTERNAL_TOKEN`, `DB_PASSWORD`), or a match with the
 * patterns of the settings (`api_key.key`, `webhook.*`).
 */
export function secretPaths(patterns: readonly string[]): PathTest {
  const named = matchPaths(patterns);
  return (path) => secretNames.test(path.at(-1) ?? "") || named(path);
}

export type Redact = (text: string) => string;

/**
 * The password in `scheme://user:password@host`, wherever such a URL stands in a text, masked up to the last @ before the host, and what a
 * telling name gives in its query: `?access_token=…`.
 */
export function maskUrls(text: string): string {
  const masked = text.replace(urlPassword, `$1${secretMark}@`);
  return masked.replace(urlParameter, (all, name: string) => (isTelling(name) ? `${name}${secretMark}` : all));
}

/** Those texts, as they stand there. */
export function passwordsInUrls(text: string): string[] {
  if (!text.includes("://")) return [];
  const passwords = [...text.matchAll(urlPassword)].flatMap(([, , password]) => password ?? []);
  const given = [...text.matchAll(urlParameter)];
  return [...passwords, ...given.flatMap(([, name = "", value]) => (isTelling(name) ? (value ?? []) : []))];
}

const urlPassword = /(:\/\/[^\s/:@?#]*:)([^\s/"]+)@/g;

/** `;` as behind the `&` of HTML. */
const urlParameter = /([?&;][\w.-]+=)([^\s&;#"'<>]+)/g;

/** `?api_key=` */
function isTelling(parameter: string): boolean {
  return secretNames.test(parameter.slice(1, -1));
}

/**
 * Blots the given secrets, and the passwords in URLs, out of foreign text (a command's output, a server's answer). The net under the Secret
 * type, for text that we do not make ourselves: also where a secret is spelled as JSON, URLs, HTML or base64 spell it, and each line of a
 * key in PEM. Secrets under four characters cannot be told from ordinary text and are left.
 */
export function redactor(secrets: Iterable<string>): Redact {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, ...longLines(secret)])
      if (part.length >= 4) for (const form of spellings(part)) forms.add(form);
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => maskUrls(longestFirst.reduce((shown, form) => shown.replaceAll(form, secretMark), text));
}

/** Whoever shows a text of several lines indents them, or breaks off in the middle. The frame of a PEM is no secret. */
function longLines(secret: string): string[] {
  if (!secret.includes("\n")) return [];
  return secret.split(/\r?\n/).filter((line) => line.length >= 8 && !line.startsWith("-----"));
}

function spellings(text: string): string[] {
  // A lone surrogate has no spelling in a URL.
  const inUrl = encodeURIComponent(text.toWellFormed());
  const html = text.replace(/[&<>]/g, (character) => htmlNames[character] ?? character);
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    inUrl,
    inUrl.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`),
    new URLSearchParams({ "": text }).toString().slice(1),
    // As Python, Go and JavaScript write quotes.
    ...["&quot;", "&#34;"].flatMap((double) =>
      ["&#39;", "&#x27;"].map((single) => html.replaceAll('"', double).replaceAll("'", single)),
    ),
    ...base64Within(text),
  ];
}

const htmlNames: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** As it stands inside base64 of a longer text (`user:password`): the characters that depend on it alone, by where it begins. */
function base64Within(text: string): string[] {
  const length = Buffer.byteLength(text);
  return [0, 1, 2].flatMap((shift) => {
    const whole = Buffer.from("\0".repeat(shift) + text).toString("base64");
    const inner = whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + length) * 8) / 6));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
