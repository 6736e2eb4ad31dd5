import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeySchema } from "../value-schema.ts";
import { type CertificateFiles, filled, type Rule, type Violation } from "./rule.ts";

/** Certificates can be read, are not expired, and fit their private keys. */
export const certificate: Rule = ({ schema: { keys }, snapshot, certificates }) => {
  if (certificates === undefined) return [];
  return keys.flatMap((schema) => {
    const { key, privateKey = "" } = schema;
    const entry = filled(snapshot, key);
    const files = certificates.files.get(key);
    const own = filled(snapshot, privateKey) === undefined ? undefined : privateKey;
    const finding = files && findTrouble(files, { key, privateKey: own }, certificates.now);
    return entry && finding ? [{ ...finding, code: "VALUE_INVALID", key, place: entry.origin }] : [];
  });
};

type Finding = Pick<Violation, "severity" | "message" | "hint">;

/** `privateKey`: undefined where no file is named, as where one file holds both. */
function findTrouble(
  files: CertificateFiles,
  { key, privateKey }: Pick<KeySchema, "key" | "privateKey">,
  now: number,
): Finding | undefined {
  const error = (message: string, hint: string): Finding => ({ severity: "error", message: `${key} ${message}`, hint });
  if (files.certificate === undefined) return unseen(key);
  const certificate = attempt(files.certificate, readCertificate);
  if (certificate === undefined) return error("names a file that holds no certificate", "Name a file in PEM");
  if (now > certificate.validToDate.getTime()) return error(`expired on ${day(certificate)}`, "Renew the certificate");
  if (now < certificate.validFromDate.getTime()) return error("is not valid yet", "Look at the clock of this host");
  if (privateKey !== undefined && files.privateKey !== undefined) {
    const own = attempt(files.privateKey, createPrivateKey);
    if (own === undefined) return error(`has no private key in ${privateKey}`, "Name a key in PEM without a password");
    if (!certificate.checkPrivateKey(own))
      return error(`does not belong to ${privateKey}`, "Name a certificate and its own key");
  }
  if (now + soon > certificate.validToDate.getTime())
    return { severity: "warning", message: `${key} expires on ${day(certificate)}`, hint: "Renew the certificate" };
  return privateKey !== undefined && files.privateKey === undefined ? unseen(privateKey) : undefined;
}

/** Perhaps a path in somebody's container, or for somebody else's eyes. */
function unseen(key: string): Finding {
  const message = `the file that ${key} names cannot be read here, so that nothing is known of it`;
  return { severity: "warning", message, hint: "Look at its path and its rights" };
}

/** Milliseconds. Who renews by a program does so thirty days ahead; what is this late has failed. */
const soon = 14 * 24 * 3_600_000;

/** The first one in the file. What is not in PEM can be read here, and by none of the services. */
function readCertificate(pem: Buffer): X509Certificate | undefined {
  return pem.includes("-----BEGIN") ? new X509Certificate(pem) : undefined;
}

function day({ validToDate }: X509Certificate): string {
  return validToDate.toISOString().slice(0, 10);
}

function attempt<Read>(pem: Buffer, read: (pem: Buffer) => Read | undefined): Read | undefined {
  try {
    return read(pem);
  } catch {
    return undefined;
  }
}
