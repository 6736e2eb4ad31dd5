/** Files as they may be shown: every secret in them replaced by a tag, equal secrets by equal tags. */
import type { Digest } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import type { Redact } from "../config/secret.ts";
import type { Field } from "../formats/format.ts";
import type { RenderedOutput } from "../services/render.ts";

export interface SecretKnowledge {
  readonly isSecret: PathTest;
  readonly digest: Digest;
  /** For secrets in places where nobody expects them, such as comments. */
  readonly redact: Redact;
}

const hiddenLine = "[hidden: this file carries secrets]";

/**
 * What the output shall hold: our own text, or what a merge made of it and of what was there. In a keyed format it is masked
 * as `maskBefore` does it, so that what is equal looks equal.
 */
export function maskAfter(output: RenderedOutput, text: string, known: SecretKnowledge): string {
  if (output.format.merge === undefined) return output.maskedText;
  return maskFields(text, output.format.read(text), output, known);
}

/** What is there. It may come from anyone. */
export function maskBefore(output: RenderedOutput, text: string, known: SecretKnowledge): string {
  if (output.format.merge === undefined) return maskLines(output, text, known);
  try {
    return maskFields(text, output.format.read(text), output, known);
  } catch {
    return maskLines(output, text, known);
  }
}

/** In a keyed format every value has its place: those of secret keys are replaced there. Between values stand comments. */
function maskFields(text: string, fields: readonly Field[], output: RenderedOutput, known: SecretKnowledge): string {
  const own = new Set(output.maskedText.split("\n"));
  let masked = "";
  let from = 0;
  for (const field of fields.toSorted((a, b) => a.start - b.start)) {
    if (field.start < from) continue;
    masked += maskGap(text.slice(from, field.start), "before a value", own, known);
    const secret = known.isSecret(field.path) || output.secretFields.has(formatPath(field.path));
    const hide = secret && field.value !== "";
    masked += hide ? `[secret ${known.digest(field.value).slice(0, 4)}]` : text.slice(field.start, field.end);
    from = field.end;
  }
  return masked + maskGap(text.slice(from), "at the end", own, known);
}

/** The last line of a gap before a value is its key, which must not be taken for a telling name with something behind. */
function maskGap(
  gap: string,
  where: "before a value" | "at the end",
  own: ReadonlySet<string>,
  known: SecretKnowledge,
): string {
  const lines = gap.split("\n");
  const key = where === "before a value" ? lines.length - 1 : -1;
  return lines.map((line, index) => (index === key || own.has(line) ? line : maskTelling(line, known))).join("\n");
}

/** In free text nobody knows where an old secret stands: lines that the new text does not have are shown with care. */
function maskLines({ text, maskedText }: RenderedOutput, before: string, known: SecretKnowledge): string {
  const masked = maskedText.split("\n");
  const shown = new Map(text.split("\n").map((line, index) => [line, masked[index] ?? hiddenLine]));
  const carriesSecrets = text !== maskedText || /-----BEGIN [A-Z ]*PRIVATE KEY/.test(before);
  return before
    .split("\n")
    .map((line) => shown.get(line) ?? (carriesSecrets ? hiddenLine : maskTelling(line, known)))
    .join("\n");
}

const word = /[\w-]+/g;

/** Foreign text such as `# old PASSWORD = x` or `auth_jwt_key x;`: what stands behind a telling name is not shown. */
function maskTelling(line: string, { isSecret }: SecretKnowledge): string {
  for (const { 0: name, index } of line.matchAll(word)) {
    const rest = line.slice(index + name.length);
    const telling = isSecret([name.replaceAll("-", "_")]) || /^(authorization|bearer|basic)$/i.test(name);
    if (telling && /[^\s\p{P}\p{S}]/u.test(rest)) return `${line.slice(0, index + name.length)} [hidden]`;
  }
  return line;
}
