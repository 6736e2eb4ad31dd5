import { execFile } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkValues } from "../../../src/config/rules/index.ts";
import { adviseOn, findBadChanges } from "../../../src/sync/advice.ts";
import { schemaOf, snapshotOf } from "../../unit/config/rules/support.ts";

const schema = schemaOf({
  tls: { cert: { type: "certificate", private_key: "key" }, key: { type: "path" } },
  app: { name: {} },
});
const days = 24 * 3_600_000;

const nothing = { keys: [], digest: (text: string) => text };

let folder: string;
const at = (name: string): string => join(folder, name);

/** A certificate and its key as openssl makes them, valid for 60 days. */
async function make(name: string): Promise<void> {
  const files = ["-keyout", at(`${name}.key`), "-out", at(`${name}.crt`)];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "60"];
  await promisify(execFile)("openssl", ["req", "-x509", ...kind, "-subj", `/CN=${name}`, ...files]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-sync-test-advice-"));
  await Promise.all([make("one"), make("other"), writeFile(at("none.crt"), "no certificate")]);
  const [one, other, key] = await Promise.all(["one.crt", "other.crt", "one.key"].map((name) => readFile(at(name))));
  const closed = createPrivateKey(key ?? "").export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "x",
  });
  await Promise.all([
    writeFile(at("chain.crt"), `${one}${other}`.replaceAll("\n", "\r\n")),
    writeFile(at("behind.crt"), `${other}${one}`),
    writeFile(at("one.der"), new X509Certificate(one ?? "").raw),
    writeFile(at("closed.key"), closed),
    writeFile(at("ed25519.key"), generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })),
  ]);
});
afterAll(() => rm(folder, { recursive: true }));

const values = (cert: string, key: string) => snapshotOf({ "tls.cert": at(cert), "tls.key": at(key), "app.name": "x" });

async function advice(cert: string, key: string): Promise<string[]> {
  const found = await adviseOn({ schema, sections: new Map(), snapshot: values(cert, key), loaded: nothing });
  return found.map(({ severity, message }) => `${severity} ${message}`);
}

describe("a certificate", () => {
  test.each([
    ["fits its key", "one.crt", "one.key", []],
    ["with another's key is an error", "one.crt", "other.key", ["error tls.cert does not belong to tls.key"]],
    ["that is none is an error", "none.crt", "one.key", ["error tls.cert names a file that holds no certificate"]],
    ["with its chain behind it, and line ends of Windows, fits its key", "chain.crt", "one.key", []],
    ["behind another one is an error", "behind.crt", "one.key", ["error tls.cert does not belong to tls.key"]],
    ["with a key of another kind is an error", "one.crt", "ed25519.key", ["error tls.cert does not belong to tls.key"]],
    [
      "with a key under a password is an error",
      "one.crt",
      "closed.key",
      ["error tls.cert has no private key in tls.key"],
    ],
    ["in DER is an error", "one.der", "one.key", ["error tls.cert names a file that holds no certificate"]],
    ["with a key that is none is an error", "one.crt", "one.crt", ["error tls.cert has no private key in tls.key"]],
    [
      "that is not there is a warning",
      "nothing",
      "one.key",
      [expect.stringMatching(/^warning .*tls.cert names cannot/)],
    ],
    [
      "whose key is not there is a warning",
      "one.crt",
      "nothing",
      [expect.stringMatching(/^warning .*tls.key names cannot/)],
    ],
    ["that is a folder is a warning", ".", "one.key", [expect.stringMatching(/^warning /)]],
  ])("%s", async (_, cert, key, said) => {
    expect(await advice(cert, key)).toEqual(said);
  });

  test("without a private key that is named is looked at alone", async () => {
    const snapshot = snapshotOf({ "tls.cert": at("one.crt"), "tls.key": " " });
    expect(await adviseOn({ schema, sections: new Map(), snapshot, loaded: nothing })).toEqual([]);
  });

  test("is told of two weeks ahead, and is an error before and after its time", async () => {
    const { readPem } = await import("../../../src/platform/certificate-files.ts");
    const files = { certificate: await readPem(at("one.crt")), privateKey: await readPem(at("one.key")) };
    const end = new X509Certificate(files.certificate ?? "").validToDate.getTime();
    const inDays = (count: number) => atTime(end + (count - 60) * days);
    const atTime = (now: number) => {
      const certificates = { files: new Map([["tls.cert", files]]), now };
      const found = checkValues({ schema, snapshot: values("one.crt", "one.key"), certificates });
      return found.map(({ severity, message }) => `${severity} ${message.replace(/[\d-]{10}/, "DAY")}`);
    };
    expect(inDays(45)).toEqual([]);
    expect(inDays(50)).toEqual(["warning tls.cert expires on DAY"]);
    expect(atTime(end)).toEqual(["warning tls.cert expires on DAY"]);
    expect(atTime(end + 1000)).toEqual(["error tls.cert expired on DAY"]);
    expect(inDays(-2)).toEqual(["error tls.cert is not valid yet"]);
  });

  test("stands in the way of changes to itself and its key only", async () => {
    const snapshot = values("one.crt", "other.key");
    const bad = async (...changed: string[]) => findBadChanges(schema, snapshot, new Set(changed), nothing);
    const refusal = [{ code: "VALUE_INVALID", key: "tls.cert", place: { line: 1 } }];
    expect(await bad("tls.cert")).toMatchObject(refusal);
    expect(await bad("tls.key", "app.name")).toMatchObject(refusal);
    expect(await bad("app.name")).toEqual([]);
    expect(await findBadChanges(undefined, snapshot, new Set(["tls.cert"]), nothing)).toEqual([]);
  });
});
