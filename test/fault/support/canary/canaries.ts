/**
 * Secrets that can be recognised wherever they turn up. Each begins and ends with the mark of this run and its own two letters. Marks are
 * letters and digits only, which JSON, INI, HTML, shells and URLs write as they are: so a mark is found however the rest is quoted,
 * and half a secret is found, too. What rewrites letters (base64, hexadecimal, other case) is searched for besides.
 */
import { randomBytes } from "node:crypto";

export type Name = keyof typeof kinds;

export interface Canary {
  readonly name: Name;
  readonly text: string;
}

export interface Flock {
  /** A new secret of this kind; `round` tells the first from the next. */
  readonly canary: (name: Name, round?: number) => string;
  /** Secrets that somebody else made (keys, tokens): searched for as they are. */
  readonly add: (name: Name, text: string) => void;
  readonly find: (bytes: Buffer) => readonly Found[];
}

export interface Found {
  /** Undefined where the form does not show which one it is. */
  readonly name: Name | undefined;
  readonly form: string;
  /** What stands around it. */
  readonly excerpt: string;
}

/** How a secret is put together of its two ends. The letters that name it are those of its place here. */
const kinds = {
  /** Secret by its name. */
  named: (head: string, tail: string) => `${head} ${tail}`,
  /** Secret by the schema. */
  schema: (head: string, tail: string) => `${head}.${tail}`,
  /** Secret by `secrets` in the settings. */
  settings: (head: string, tail: string) => `${head}:${tail}`,
  /** In a value that is no secret. */
  url: (head: string, tail: string) => `${head}-${tail}`,
  pem: (head: string, tail: string) => `-----BEGIN PRIVATE KEY-----\n${head}\n${tail}\n-----END PRIVATE KEY-----`,
  /** Eight characters. */
  short: (head: string) => head,
  /** What JSON, INI, HTML, shells, regular expressions, replacements and URLs write in another way. */
  special: (head: string, tail: string) => `${head}\\'"<&>%$&$1.*(+[{|}]?/=;#\`~é€${tail}`,
  environment: (head: string, tail: string) => `${head}_${tail}`,
  environmentFile: (head: string, tail: string) => `${head}~${tail}`,
  /** In clear in a protected file. */
  system: (head: string, tail: string) => `${head}!${tail}`,
  /** Written into config.ini by hand. */
  hand: (head: string, tail: string) => `${head},${tail}`,
  /** Of the repository that revisions are sent to. */
  push: (head: string, tail: string) => `${head}${tail}`,
  supervisord: (head: string, tail: string) => `${head}@${tail}`,
  /** An API key that stands in the configuration. */
  apiKey: (head: string, tail: string) => `${head}-${tail}`,
  /** An environment variable of services. */
  variable: (head: string, tail: string) => `${head}:${tail}`,
  /** In an app of its own. */
  tree: (head: string, tail: string) => `${head}-${tail}`,
  /** Of a person. */
  password: (head: string, tail: string) => `${head} - ${tail}`,
  /** Nobody's: what is shown by mistake in the place of a key, a token or a password. */
  wrong: (head: string, tail: string) => `${head}--${tail}`,
  /** Made by config-sync: keys of the API, tokens, the keys that seal. */
  made: (head: string) => head,
} as const;

export const names = Object.keys(kinds) as Name[];

export function createFlock(): Flock {
  // Six characters: what is encrypted or compressed holds them by accident once in many thousand runs.
  const mark = `Q${random(4)}z`;
  const strange = new Map<string, Name>();
  const needles = formsOf(mark);
  return {
    canary: (name, round = 0) => {
      const own = `${mark}${letterOf(name)}`;
      return kinds[name](`${own}${round.toString(36)}`, `${own}${round.toString(36)}`);
    },
    add: (name, text) => void strange.set(text, name),
    find: (bytes) => [
      ...needles.flatMap(({ form, text }) => findAll(bytes, text, form)),
      ...[...strange].flatMap(([text, name]) => findAll(bytes, text, "as it is").map((one) => ({ ...one, name }))),
    ],
  };
}

function random(length: number): string {
  return randomBytes(64)
    .toString("base64")
    .replaceAll(/[^A-Za-z0-9]/g, "")
    .slice(0, length);
}

/** One letter, so that eight characters hold the mark, it, and the number of the round. */
function letterOf(name: Name): string {
  return String.fromCharCode(97 + names.indexOf(name));
}

interface Needle {
  readonly form: string;
  readonly text: string;
}

function formsOf(mark: string): Needle[] {
  const based = [0, 1, 2].map((shift) => within64(mark, shift));
  return [
    { form: "as it is", text: mark },
    { form: "lower case", text: mark.toLowerCase() },
    { form: "upper case", text: mark.toUpperCase() },
    { form: "hexadecimal", text: Buffer.from(mark).toString("hex") },
    { form: "UTF-16", text: Buffer.from(mark, "utf16le").toString("latin1") },
    ...based.map((text) => ({ form: "base64", text })),
  ];
}

/** The characters that only depend on the mark where it begins `shift` bytes behind a group of three. */
function within64(mark: string, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(mark)]).toString("base64");
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + mark.length) * 8) / 6));
}

function findAll(bytes: Buffer, text: string, form: string): Found[] {
  const found: Found[] = [];
  const needle = Buffer.from(text, "latin1");
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
    const letter = bytes.toString("latin1", at + needle.length, at + needle.length + 1);
    const name = form === "as it is" ? names[letter.charCodeAt(0) - 97] : undefined;
    const excerpt = bytes.toString("utf8", Math.max(0, at - 120), at + 80);
    found.push({ name, form, excerpt });
  }
  return found;
}
