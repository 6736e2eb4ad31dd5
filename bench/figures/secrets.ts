import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { type Key, open, parseKey, seal } from "../../src/config/encryption.ts";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { alternate, type Sample } from "../rounds.ts";

const count = 1000;

/** 1,000 passwords of 24 characters sealed, and opened again, beside AES-256-GCM of the same bytes by node:crypto alone. */
export async function measureSecrets(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 5, measured: 20, rest: 1 } : { warmUp: 30, measured: 200, rest: 2 };
  const bytes = randomBytes(32);
  const key = parseKey(bytes.toString("base64"));
  if (key === undefined) throw new Error("no key was made");
  const samples = [
    bareSeal(bytes),
    timed(() => values.map((value, index) => seal(value, key, seatOf(index)))),
    bareOpen(bytes),
    openAll(
      open,
      values.map((value, index) => seal(value, key, seatOf(index))),
      key,
    ),
  ];
  const [bareSealed = [], sealed = [], bareOpened = [], opened = []] = await alternate(samples, rounds);
  const row = (what: string, ours: readonly number[], theirs: readonly number[]) => ({
    figure,
    what: `${count.toLocaleString("en")} values ${what}, p50`,
    unit: "ms" as const,
    value: percentile(ours, 50),
    beside: { name: "bare AES-256-GCM", value: percentile(theirs, 50) },
    bar: { ratio: 2 },
  });
  return [row("encrypted", sealed, bareSealed), row("decrypted", opened, bareOpened)];
}

const values = Array.from({ length: count }, () => randomBytes(18).toString("base64"));

function seatOf(index: number) {
  return { app: "default", path: [`app-${index}`, "password"] };
}

function timed(work: () => unknown): Sample {
  return async () => {
    const from = performance.now();
    work();
    return performance.now() - from;
  };
}

function openAll(
  open: (sealed: string, keys: readonly Key[], seat: ReturnType<typeof seatOf>) => string,
  sealed: readonly string[],
  key: Key,
): Sample {
  return timed(() => {
    for (const [index, text] of sealed.entries())
      if (open(text, [key], seatOf(index)) !== values[index]) throw new Error("another text came out");
  });
}

/** With a nonce of its own each, as it must be; nothing is bound to it, and nothing written down. */
function bareSeal(key: Buffer): Sample {
  return timed(() => values.map((value) => sealBare(value, key)));
}

function sealBare(value: string, key: Buffer) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return { nonce, text, tag: cipher.getAuthTag() };
}

function bareOpen(key: Buffer): Sample {
  const sealed = values.map((value) => sealBare(value, key));
  return timed(() =>
    sealed.map(({ nonce, text, tag }) => {
      const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAuthTag(tag);
      return Buffer.concat([decipher.update(text), decipher.final()]).toString();
    }),
  );
}
