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

/** The password in `scheme://user:password@host`, wherever such a URL stands in a text, masked up to the last @ before the host. */
export function maskUrls(text: string): string {
  return text.replace(/(:\/\/[^\s/:@?#]*:)[^\s/"]+@/g, `$1${secretMark}@`);
}

/**
 * Blots the given secrets, and the passwords in URLs, out of foreign text (a command's output, a server's answer). The net under the Secret type, for
 * text that we do not make ourselves. Secrets under four characters cannot be told from ordinary text and are left.
 */
export function redactor(secrets: Iterable<string>): Redact {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    forms.add(secret).add(encodeURIComponent(secret)).add(JSON.stringify(secret).slice(1, -1));
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => maskUrls(longestFirst.reduce((shown, form) => shown.replaceAll(form, secretMark), text));
}
