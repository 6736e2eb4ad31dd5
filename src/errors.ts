/**
 * Every error that a person or a program can meet: one table, one class.
 *
 * The code is the stable contract. `status` is the HTTP status that an API answers with, `retryable` says whether the same
 * thing can work later without anyone changing anything (a socket that is gone can come back, a bad key cannot).
 */

interface ErrorKind {
  readonly meaning: string;
  readonly status: number;
  readonly retryable: boolean;
}

export const errorTable = {
  USAGE: { meaning: "The command line cannot be understood", status: 400, retryable: false },
  SETTINGS_INVALID: { meaning: "config-sync.yaml is not valid", status: 500, retryable: false },
  MANIFEST_INVALID: { meaning: "A service.yaml is not valid", status: 500, retryable: false },
  TEMPLATE_INVALID: { meaning: "A template cannot be compiled or rendered", status: 422, retryable: false },
  SOURCE_INVALID: {
    meaning: "A source (config.ini, system.ini) holds something it must not",
    status: 422,
    retryable: false,
  },
  SOURCE_MISSING: { meaning: "A source is not there or cannot be read", status: 503, retryable: true },
  SOURCE_UNSTABLE: { meaning: "A source was being written while it was read", status: 503, retryable: true },
  KEY_UNUSABLE: {
    meaning: "The key that values are sealed with is not there or cannot be used",
    status: 503,
    retryable: true,
  },
  VALUE_MISSING: { meaning: "A template needs a value that no source gives", status: 422, retryable: false },
  VALUE_INVALID: { meaning: "A value does not have the form that is asked for", status: 422, retryable: false },
  READ_ONLY: { meaning: "The value comes from a source that may not be written", status: 403, retryable: false },
  PARSE_FAILED: { meaning: "A text does not follow the rules of its format", status: 422, retryable: false },
  UNREPRESENTABLE: { meaning: "A value cannot be expressed in the format it goes into", status: 422, retryable: false },
  PATH_FORBIDDEN: { meaning: "A path leads out of the folders that the settings allow", status: 403, retryable: false },
  WRITE_FAILED: { meaning: "A file could not be written", status: 500, retryable: true },
  CHECK_REFUSED: { meaning: "The service's own check refused the rendered file", status: 422, retryable: false },
  UNREACHABLE: {
    meaning: "The thing that must be asked is not there (socket, container, program, host)",
    status: 503,
    retryable: true,
  },
  RELOAD_REFUSED: {
    meaning: "The service was told to load its configuration and said no",
    status: 502,
    retryable: true,
  },
  TIMED_OUT: { meaning: "No answer within the time that was given", status: 504, retryable: true },
  UNHEALTHY: { meaning: "The service did not become healthy on its new configuration", status: 502, retryable: false },
  STATE_UNUSABLE: { meaning: "The state folder cannot be used", status: 500, retryable: true },
  DAEMON_RUNNING: { meaning: "Another config-sync already works on this workspace", status: 409, retryable: false },
  DAEMON_ABSENT: { meaning: "No daemon runs on this workspace", status: 503, retryable: true },
  REQUEST_INVALID: { meaning: "A request does not have the form that is asked for", status: 400, retryable: false },
  UNAUTHENTICATED: { meaning: "Nobody is known by the key or token, or none was given", status: 401, retryable: false },
  FORBIDDEN: { meaning: "Who asks does not have the right", status: 403, retryable: false },
  TOO_MANY_REQUESTS: { meaning: "Too many requests, or too many failed logins", status: 429, retryable: true },
  TOO_LARGE: { meaning: "A request is larger than what is taken", status: 413, retryable: false },
  REVISION_MOVED: {
    meaning: "The configuration was changed meanwhile by somebody else",
    status: 412,
    retryable: false,
  },
  PLAN_MOVED: { meaning: "The plan that was agreed to is no longer what would be done", status: 409, retryable: false },
  EXISTS: { meaning: "What is to be made is there already", status: 409, retryable: false },
  HISTORY_UNUSABLE: { meaning: "The history cannot be read or written", status: 500, retryable: true },
  NOT_FOUND: { meaning: "What was asked for does not exist", status: 404, retryable: false },
  INTERNAL: { meaning: "A fault of config-sync itself", status: 500, retryable: false },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;

/** A place in a text that a person can go to. `line` and `column` count from 1, columns in UTF-16 units. */
export interface Place {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

export interface ErrorDetails {
  readonly place?: Place | undefined;
  /** What to do about it, in the imperative. */
  readonly hint?: string | undefined;
  /** The configuration key concerned, `gitea.user_pwd`. */
  readonly key?: string | undefined;
  readonly cause?: unknown;
  /** Overrides the table where the case is known better: a refused connection can come back, a refused password cannot. */
  readonly retryable?: boolean | undefined;
  /** Seconds until it is worth another try: what an API says in Retry-After. */
  readonly retryAfter?: number | undefined;
}

/**
 * The one error class. `message` says what and why without the place; `toText` puts place, message and hint together.
 * A message never holds a secret: whoever throws names keys, not values.
 */
export class ConfigSyncError extends Error {
  override readonly name = "ConfigSyncError";
  readonly code: ErrorCode;
  readonly place: Place;
  readonly hint: string | undefined;
  readonly key: string | undefined;
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.place = details.place ?? {};
    this.hint = details.hint;
    this.key = details.key;
    this.retryable = details.retryable ?? errorTable[code].retryable;
    this.retryAfter = details.retryAfter;
  }

  /** `config.ini:12:8: key "port" stands twice …. Remove one of them.` */
  toText(): string {
    const place = formatPlace(this.place);
    return `${place === "" ? "" : `${place}: `}${this.message}${this.hint === undefined ? "" : `. ${this.hint}`}`;
  }

  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...this.place,
      ...(this.key === undefined ? {} : { key: this.key }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.retryAfter === undefined ? {} : { retryAfter: this.retryAfter }),
    };
  }

  /** The same error, said of another place or key: used where a caller knows more than the one who threw. */
  with(details: ErrorDetails): ConfigSyncError {
    const { hint, key, retryable, retryAfter, cause } = this;
    const known = { hint, key, retryable, retryAfter, cause };
    const place = { ...this.place, ...details.place };
    return new ConfigSyncError(this.code, this.message, { ...known, ...details, place });
  }
}

/** `config.ini:12:8`, `config.ini:12`, `config.ini`, `line 12` or nothing. */
export function formatPlace({ file, line, column }: Place): string {
  if (line === undefined) return file ?? "";
  const position = column === undefined ? `${line}` : `${line}:${column}`;
  return file === undefined ? `line ${position}` : `${file}:${position}`;
}

/** Anything thrown, as an error of ours: system errors keep their message, programming errors become INTERNAL. */
export function asConfigSyncError(error: unknown, code: ErrorCode = "INTERNAL"): ConfigSyncError {
  if (error instanceof ConfigSyncError) return error;
  return new ConfigSyncError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

/** The `code` of a Node.js system error (`ENOENT`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
