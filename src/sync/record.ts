/** What the ledger knows of one service. Plain data: it is written as JSON. */
import type { ErrorCode } from "../errors.ts";

/** A snapshot that was taken up: its number on this host, the snapshot's hash, and when. */
export interface Revision {
  readonly number: number;
  readonly hash: string;
  readonly at: number;
}

/** Which outputs, of which revision: equal digests mean equal outputs. */
export interface Mark {
  readonly revision: number;
  readonly digest: string;
  readonly at: number;
}

/** A file as it was before we touched it; `bytes` in base64, null where there was no file. */
export interface PreviousFile {
  readonly path: string;
  readonly bytes: string | null;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inPlace: boolean;
  /** Where the file is not ours as a whole. */
  readonly merged?: MergedFile | undefined;
}

export interface MergedFile {
  /** The hash of what we left there; empty where somebody else wrote between two writes of ours. */
  readonly wrote: string;
  /** The keys in it that we touched. */
  readonly keys: readonly string[];
}

/** How to reload and probe, as it was resolved from manifest and values. */
export interface StoredAction {
  readonly kind: string;
  readonly spec: unknown;
  readonly shown: string;
}

/** What a rollback needs. It is durable before the first output is touched, and goes when the service is healthy. */
export interface Undo {
  readonly files: readonly PreviousFile[];
  /** Undefined where the reload cannot tell. */
  readonly wasRunning: boolean | undefined;
  /** The position of the reload in the manifest: going back takes the same one as going forward. Negative: none is needed. */
  readonly rule: number;
  readonly owned: ServiceRecord["owned"];
  readonly keys: ServiceRecord["keys"];
  readonly form: ServiceRecord["form"];
}

/** The way back to where all of a group were healthy, while one of them is not yet on what the others have. */
export interface Standby extends Pick<ServiceRecord, "healthy" | "healthyOn" | "actions"> {
  readonly undo: Undo;
}

export interface Quarantine {
  /** The fingerprint of outputs, reloads and probes that failed; anything else is tried. */
  readonly fingerprint: string;
  readonly revision: number;
  /** Turned away before the service saw anything of it. */
  readonly refused: boolean;
  readonly reason: string;
  readonly code?: ErrorCode;
  readonly at: number;
  /** The service of its group whose failure this is, and with what that one failed: without that the quarantine ends. */
  readonly because?: { readonly service: string; readonly fingerprint: string };
}

export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly at: number;
}

export interface ServiceRecord {
  readonly desired: Mark | undefined;
  readonly written: Mark | undefined;
  readonly loaded: Mark | undefined;
  readonly healthy: Mark | undefined;
  /** The fingerprint of what it was last healthy on. */
  readonly healthyOn: string | undefined;
  /** By output path: the keys in the file that are there because of us. */
  readonly owned: Readonly<Record<string, readonly string[]>>;
  /** By configuration key: the digest of the value that the service has loaded. */
  readonly keys: Readonly<Record<string, string>>;
  /** The digest of manifest, templates and names that its loaded outputs were made of. */
  readonly form: string | undefined;
  /** How the service is reloaded and probed in its healthy state: what a rollback comes back to. */
  readonly actions: { readonly reloads: readonly StoredAction[]; readonly probes: readonly StoredAction[] } | undefined;
  readonly undo: Undo | undefined;
  readonly standby: Standby | undefined;
  readonly quarantine: Quarantine | undefined;
  /** Failed turns since the last good one. */
  readonly attempts: number;
  /** How often of these the service itself said no. */
  readonly refusals: number;
  /** When it is taken up again, milliseconds since the epoch. */
  readonly retryAt: number | undefined;
  readonly lastReload: { readonly at: number; readonly took: number; readonly shown: string } | undefined;
  readonly trouble: Trouble | undefined;
  /** The run of the service that was last seen healthy; undefined where nobody knows. */
  readonly incarnation: string | undefined;
  /** It is not well, and no change of ours is to blame: so none is taken back. */
  readonly ill: boolean;
}

export const emptyRecord: ServiceRecord = {
  desired: undefined,
  written: undefined,
  loaded: undefined,
  healthy: undefined,
  healthyOn: undefined,
  owned: {},
  keys: {},
  form: undefined,
  actions: undefined,
  undo: undefined,
  standby: undefined,
  quarantine: undefined,
  attempts: 0,
  refusals: 0,
  retryAt: undefined,
  lastReload: undefined,
  trouble: undefined,
  incarnation: undefined,
  ill: false,
};
