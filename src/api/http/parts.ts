/** What the server knows of the daemon: plain functions, given by whoever puts the daemon together. */
import type { Access } from "../../access/access.ts";
import type { Changed, ChangeRequest, Edit, RollbackRequest, Sealed, SealRequest } from "../../apps/change.ts";
import type { HostApp } from "../../apps/host-app.ts";
import type { TreeApps } from "../../apps/tree-app.ts";
import type { Audit } from "../../audit/audit.ts";
import type { Entry } from "../../audit/entry.ts";
import type { Query } from "../../audit/query.ts";
import type { GivenVariable } from "../../services/environment.ts";
import type { SyncEvent } from "../../sync/events.ts";
import type { Explanation } from "../../sync/explain.ts";
import type { Finding } from "../../sync/findings.ts";
import type { ShownPlan } from "../../sync/shown-plan.ts";
import type { StatusReport } from "../../sync/status.ts";
import type { AnswerEvent } from "./answer-log.ts";

export interface ApiParts {
  /** Undefined for an app that is not there, or is a tree only. `default` is here wherever there are services. */
  readonly app: (name: string) => ApiApp | undefined;
  /** The same app `default` and all others, as trees of values. */
  readonly trees: TreeApps;
  readonly services: () => readonly ServiceUse[];
  readonly status: () => Promise<StatusReport>;
  /** What would be done now, or if these values were set; nothing is done. Throws what stands against the values. */
  readonly plan: (edits: readonly Edit[]) => Promise<ShownPlan>;
  /**
   * Sets the values where what would be done then is still the plan with this hash; with no values there is only the hash to be
   * looked at. Throws PLAN_MOVED, and what stands against the values; then nothing was changed.
   */
  readonly agree: (hash: string | undefined, request: ChangeRequest) => Promise<Changed | undefined>;
  /** Does what is to be done and resolves when nothing is left to do now. */
  readonly apply: () => Promise<void>;
  /** Reads the sources; resolves when they have been read and taken up. */
  readonly lookAgain: () => Promise<void>;
  /** Each resolves when nothing is left to do now. Throws NOT_FOUND. */
  readonly reload: (service: string) => Promise<void>;
  readonly retry: (service: string) => Promise<void>;
  /** A written path, of a key or a section. Throws NOT_FOUND. */
  readonly explain: (path: string) => Promise<readonly Explanation[]>;
  /** Calls `tell` for everything that happens from now on. */
  readonly subscribe: (tell: (event: SyncEvent) => void) => () => void;
  readonly access: Access;
  /** Who did what. */
  readonly audit: Pick<Audit, "append"> & { readonly list: (query: Query) => readonly Entry[] };
  /** Who owns the unix socket: the author of what comes by it. */
  readonly owner: string;
  readonly version: string;
  /** Told of every answer and of every fault of ours. Holds no value of the configuration. */
  readonly note: (event: AnswerEvent) => void;
}

/** A named configuration, with its history. */
export interface ApiApp extends HostApp {
  /** The name of the document that holds the environment of services, where there is one. */
  readonly environment?: string | undefined;
  readonly rollBack: (request: RollbackRequest) => Promise<Changed>;
  /** Seals values where they stand, as one revision. Throws as `change` does, and KEY_UNUSABLE. */
  readonly seal: (request: SealRequest) => Promise<Sealed>;
  /** What stands against these edits, or with none against what is there now. Changes nothing. */
  readonly validate: (edits: readonly Edit[]) => Promise<readonly Finding[]>;
}

/** Which values a service is made of. */
export interface ServiceUse {
  readonly name: string;
  /** Written paths, of keys or of whole sections. Undefined where nobody can say, as it cannot be rendered. */
  readonly uses: readonly string[] | undefined;
  /** The environment that it gets, by output. */
  readonly environment?: readonly GivenEnvironment[];
}

export interface GivenEnvironment {
  readonly output: string;
  /** The format that it is written in: `env:compose`. */
  readonly dialect: string;
  readonly variables: readonly GivenVariable[];
}

export type Listener =
  | { readonly host: string; readonly port: number; readonly tls?: TlsFiles | undefined }
  /** A unix socket that only its owner can open: who comes by it is an admin without a key. */
  | { readonly socket: string };

/** Absolute paths of PEM files. They are read again when they change. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface HttpSettings {
  readonly listen: readonly Listener[];
  /** Names in the Host header that are right beside those of the loopback addresses. */
  readonly hosts: readonly string[];
  /** The origins whose pages may call from a browser: `https://console.example.com`. */
  readonly cors: readonly string[];
  /** Why nothing may be changed; without it changes are taken. */
  readonly readOnly?: string | undefined;
  readonly limits: Limits;
}

export interface Limits {
  /** Bytes of a body and of all headers together. */
  readonly body: number;
  readonly headers: number;
  /** Of one address; the unix socket has no limit. */
  readonly requestsPerSecond: number;
  readonly connections: number;
  /** Event streams at the same time. */
  readonly streams: number;
  /** WebSockets at the same time: with the streams fewer than connections, so that they are not in everybody's way. */
  readonly sockets: number;
  /** Milliseconds between two looks whether the reader of a WebSocket is there and still may read. */
  readonly beat: number;
  /** Milliseconds until a request must have come whole. */
  readonly requestTime: number;
  /** Milliseconds that an answer is held at most, and where nothing else is asked for. */
  readonly longestWait: number;
  readonly usualWait: number;
}

export const defaultLimits: Limits = {
  body: 1024 * 1024,
  headers: 16 * 1024,
  requestsPerSecond: 2000,
  connections: 256,
  streams: 32,
  sockets: 192,
  beat: 15_000,
  requestTime: 30_000,
  longestWait: 600_000,
  usualWait: 60_000,
};
