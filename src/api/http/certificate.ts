/** The user's certificate, read again when its files change: who renews it does not have to think of us. */
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { asConfigSyncError, ConfigSyncError } from "../../errors.ts";
import { fileState, watchFile } from "../../platform/file-watch.ts";
import type { TlsFiles } from "./parts.ts";

export interface Pem {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Throws SETTINGS_INVALID for files that cannot be read, or that do not belong together. */
export async function readCertificate({ cert, key }: TlsFiles): Promise<Pem> {
  try {
    const pem = { cert: await readFile(cert), key: await readFile(key) };
    createSecureContext(pem);
    return pem;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigSyncError(
      "SETTINGS_INVALID",
      `the certificate ${cert} with the key ${key} cannot be used: ${why}`,
      {
        hint: "Name a certificate and its own key, both PEM, that the daemon's user can read",
        cause,
      },
    );
  }
}

/** Milliseconds between the looks at the files without any hint. */
const lookEvery = 10_000;

export interface Renewal {
  /** Reads the files now. */
  readonly renew: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * Calls `take` with what the files hold whenever they may hold something else. One of the two is always replaced before the other:
 * a pair that does not fit is told to `onTrouble` and the one before stays in use.
 */
export async function followCertificate(
  files: TlsFiles,
  take: (pem: Pem) => void,
  onTrouble: (text: string) => void,
): Promise<Renewal> {
  const seen = new Map<string, string>();
  const renew = async (): Promise<void> => {
    for (const path of [files.cert, files.key]) seen.set(path, await stateOf(path));
    try {
      take(await readCertificate(files));
    } catch (error) {
      onTrouble(asConfigSyncError(error).toText());
    }
  };
  for (const path of [files.cert, files.key]) seen.set(path, await stateOf(path));
  const stops = await Promise.all(
    [files.cert, files.key].map((path) =>
      watchFile(path, () => void renew(), { lookEvery, seen: () => seen.get(path), onTrouble }),
    ),
  );
  return {
    renew,
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

function stateOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(fileState, () => "missing");
}
