import { structuredPatch } from "diff";
import type { Current } from "../platform/safe-write.ts";
import type { RenderedOutput } from "../services/render.ts";
import { maskAfter, maskBefore, type SecretKnowledge } from "./masking.ts";
import type { OutputPlan } from "./plan.ts";

export type { SecretKnowledge } from "./masking.ts";

export interface DiffLine {
  readonly kind: "hunk" | "context" | "removed" | "added";
  readonly text: string;
}

/**
 * The difference that an output plan makes to its file, with every secret replaced by a tag: equal secrets have equal tags, so
 * that a changed one is seen as a change and still not shown.
 */
export function showDiff({ output, current, text }: OutputPlan, known: SecretKnowledge): DiffLine[] {
  const before = current === undefined ? "" : maskBefore(output, current.bytes.toString(), known);
  const after = current === undefined ? output.maskedText : maskAfter(output, text, known);
  const patch = structuredPatch("", "", before, after, "", "", { context: 2, timeout: 1000 });
  if (patch === undefined) return [{ kind: "hunk", text: "the file is replaced as a whole" }];
  if (patch.hunks.length === 0) return [{ kind: "hunk", text: describeAttributes(output, current) }];
  return patch.hunks.flatMap((hunk): DiffLine[] => [
    { kind: "hunk", text: `@@ line ${hunk.newStart} @@` },
    ...hunk.lines
      .filter((line) => !line.startsWith("\\"))
      .map((line) => ({ kind: kindOf(line), text: known.redact(line.slice(1)) })),
  ]);
}

/** What there is to do where the text is right already. */
function describeAttributes({ mode }: RenderedOutput, current: Current | undefined): string {
  const octal = (bits: number): string => (bits & 0o7777).toString(8).padStart(4, "0");
  if (current === undefined) return "an empty file";
  const change =
    mode === undefined || octal(mode) === octal(current.mode) ? "" : ` ${octal(current.mode)} → ${octal(mode)}`;
  return change === "" ? "another owner, or a secret in a place that is not shown" : `mode${change}`;
}

function kindOf(line: string): DiffLine["kind"] {
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "context";
}
