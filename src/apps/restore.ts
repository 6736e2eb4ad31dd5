/** What the documents must hold so that a revision is in force again. Pure. */
import { formatPath } from "../config/path.ts";
import { reveal } from "../config/secret.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Revision } from "../history/history.ts";
import type { Edit } from "../sources/source.ts";
import type { Writable } from "./place-edits.ts";

/**
 * The contents by source: whole documents byte for byte, or one section key by key with the comments of today. A document that the
 * revision does not have, or that may not be written, stays as it is. Throws NOT_FOUND when neither then nor now has the section.
 */
export function restoreDocuments(
  revision: Revision,
  writable: readonly Writable[],
  known: ReadonlyMap<string, Buffer>,
  section: string | undefined,
): Map<Writable, Buffer> {
  const contents = new Map<Writable, Buffer>();
  for (const source of writable) {
    const old = revision.documents.find(({ name }) => name === source.name)?.bytes;
    if (old === undefined) continue;
    const now = known.get(source.name);
    const whole = Buffer.from(old);
    if (section === undefined || now === undefined) contents.set(source, whole);
    else contents.set(source, restoreSection(source, { old: whole, now, section }));
  }
  if (section !== undefined && [...contents.keys()].every((source) => !hasSection(source, revision, known, section)))
    throw new ConfigSyncError("NOT_FOUND", `revision ${revision.number} has no section ${section}, nor has the newest`);
  return contents;
}

interface SectionRestore {
  readonly old: Buffer;
  readonly now: Buffer;
  readonly section: string;
}

function restoreSection({ document }: Writable, { old, now, section }: SectionRestore): Buffer {
  const before = valuesOf(document, old, section);
  const present = valuesOf(document, now, section);
  if (before.size === 0) return present.size === 0 ? now : document.edit(now, [{ path: [section] }]);
  const differing = [...before.values()].filter(({ path, value }) => present.get(formatPath(path))?.value !== value);
  const set: Edit[] = differing.map((edit) => ({ ...edit, asWritten: true }));
  const gone: Edit[] = [...present].flatMap(([key, { path }]) => (before.has(key) ? [] : [{ path }]));
  return set.length + gone.length === 0 ? now : document.edit(now, [...set, ...gone]);
}

function hasSection(
  { name, document }: Writable,
  revision: Revision,
  known: ReadonlyMap<string, Buffer>,
  section: string,
): boolean {
  const old = revision.documents.find((one) => one.name === name)?.bytes;
  return [old, known.get(name)].some(
    (bytes) => bytes !== undefined && valuesOf(document, Buffer.from(bytes), section).size > 0,
  );
}

/** As written there: the values of a document that fills in references are its references. */
function valuesOf({ read }: Writable["document"], bytes: Buffer, section: string) {
  const entries = read(bytes).entries.filter(({ path }) => path[0] === section);
  return new Map(entries.map(({ path, value }) => [formatPath(path), { path, value: reveal(value) }]));
}
