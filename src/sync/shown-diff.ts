import { structuredPatch } from "diff";
import type { Digest } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import type { Redact } from "../config/secret.ts";
import type { Field } from "../formats/format.ts";
import type { RenderedOutput } from "../services/render.ts";
import type { OutputPlan } from "./plan.ts";

export interface DiffLine {
  readonly kind: "hunk" | "context" | "removed" | "added";
  readonly text: string;
}

export interface SecretKnowledge {
  readonly isSecret: PathTest;
  readonly digest: Digest;
  /** For secrets in places where nobody expects them, such as comments. */
  readonly redact: Redact;
}

const hidden = "[hidden: this file carries secrets]";

/**
 * The difference that an output plan makes to its file, with every secret replaced by a tag: equal secrets have equal tags, so
 * that a changed one is seen as a change and still not shown.
 */
export function showDiff({ output, current, text }: OutputPlan, known: SecretKnowledge): DiffLine[] {
  const before = current === undefined ? "" : maskBefore(output, current.bytes.toString(), known);
  const after = maskAfter(output, text, known);
  const patch = structuredPatch("", "", before, after, "", "", { context: 2, timeout: 1000 });
  if (patch === undefined) return [{ kind: "hunk", text: "the file is replaced as a whole" }];
  return patch.hunks.flatMap((hunk): DiffLine[] => [
    { kind: "hunk", text: `@@ line ${hunk.newStart} @@` },
    ...hunk.lines
      .filter((line) => !line.startsWith("\\"))
      .map((line) => ({ kind: kindOf(line), text: known.redact(line.slice(1)) })),
  ]);
}

function kindOf(line: string): DiffLine["kind"] {
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "context";
}

function maskAfter(output: RenderedOutput, text: string, known: SecretKnowledge): string {
  if (output.format.merge === undefined || text === output.text) return output.maskedText;
  return maskFields(text, output.format.read(text), output, known);
}

function maskBefore(output: RenderedOutput, text: string, known: SecretKnowledge): string {
  if (output.format.merge === undefined) return maskLines(output, text);
  try {
    return maskFields(text, output.format.read(text), output, known);
  } catch {
    return maskLines(output, text);
  }
}

/** In a keyed format every value has its place: those of secret keys are replaced there. */
function maskFields(text: string, fields: readonly Field[], output: RenderedOutput, known: SecretKnowledge): string {
  let masked = "";
  let from = 0;
  for (const field of fields.toSorted((a, b) => a.start - b.start)) {
    const secret = known.isSecret(field.path) || output.secretFields.has(formatPath(field.path));
    if (!secret || field.value === "" || field.start < from) continue;
    masked += `${text.slice(from, field.start)}[secret ${known.digest(field.value).slice(0, 4)}]`;
    from = field.end;
  }
  return masked + text.slice(from);
}

/** In free text nobody knows where an old secret stands: lines that the new text does not have are shown only without secrets. */
function maskLines({ text, maskedText }: RenderedOutput, before: string): string {
  const masked = maskedText.split("\n");
  const shown = new Map(text.split("\n").map((line, index) => [line, masked[index] ?? hidden]));
  const carriesSecrets = text !== maskedText;
  return before
    .split("\n")
    .map((line) => shown.get(line) ?? (carriesSecrets ? hidden : line))
    .join("\n");
}
