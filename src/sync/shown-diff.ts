import { structuredPatch } from "diff";
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
