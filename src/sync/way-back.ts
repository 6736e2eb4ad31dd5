import { formatPath, parsePath } from "../config/path.ts";
import type { Format } from "../formats/format.ts";
import { readCurrent } from "../platform/safe-write.ts";
import type { RenderedService } from "../services/render.ts";
import { hashFile } from "./files.ts";
import type { PreviousFile } from "./record.ts";

/**
 * What a way back brings a file to. Mostly that is what it was; but where the service wrote into it since we did (Gitea makes up its
 * secrets at its first start, and what they protect is lost with them), only our keys go back to what they were.
 */
export async function keepForeignKeys(file: PreviousFile, { outputs }: RenderedService): Promise<PreviousFile> {
  const { path, merged } = file;
  const format = outputs.find((output) => output.path === path)?.format;
  const current = await readCurrent(path).catch(() => undefined);
  if (merged === undefined || format === undefined || current === undefined) return file;
  if (hashFile(current.bytes) === merged.wrote) return file;
  try {
    const before = file.bytes === null ? undefined : decode(Buffer.from(file.bytes, "base64"));
    const text = restoreKeys(format, { before, now: decode(current.bytes), keys: merged.keys });
    if (before === undefined && format.read(text).length === 0) return file;
    const { mode, uid, gid } = before === undefined ? current : file;
    return { ...file, bytes: Buffer.from(text).toString("base64"), mode: mode & 0o7777, uid, gid };
  } catch {
    // What is there now cannot be read or merged: the file as it was is sure to be one that the service could run on.
    return file;
  }
}

/**
 * `now` with `keys` as they were `before`: with the values of then, or gone where they were not there. Throws PARSE_FAILED,
 * UNREPRESENTABLE.
 */
export function restoreKeys(
  { name, read, merge }: Format,
  {
    before,
    now,
    keys,
  }: { readonly before: string | undefined; readonly now: string; readonly keys: readonly string[] },
): string {
  if (merge === undefined) throw new Error(`${name} has no keys`);
  // Without an object JSON is no text at all.
  const nothing = name === "json" ? "{}" : "";
  const ours = new Set(keys);
  const foreign = read(before ?? nothing).filter(({ path }) => !ours.has(formatPath(path)));
  const paths = foreign.map(({ path }) => path);
  const wanted = before === undefined ? nothing : merge(before, nothing, paths).text;
  const there = new Set(read(wanted).map(({ path }) => formatPath(path)));
  const gone = keys.filter((key) => !there.has(key)).map((key) => parsePath(key) ?? [key]);
  return merge(now, wanted, gone).text;
}

function decode(bytes: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
