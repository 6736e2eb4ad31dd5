/** What the server tells of its work: method, path and status, never a query, where the classic API has its values. */
import type { Metrics } from "./metrics.ts";

export type AnswerEvent =
  | {
      readonly type: "answered";
      readonly method: string;
      /** The pattern of the route, or `*` where there was none. */
      readonly route: string;
      readonly status: number;
      /** Milliseconds. */
      readonly took: number;
      /** Who asked, as far as that is known. */
      readonly who: string | undefined;
      readonly address: string;
    }
  | {
      readonly type: "fault";
      /** As the answer names it. */
      readonly instance: string;
      readonly error: unknown;
    }
  | { readonly type: "trouble"; readonly text: string };

export type Answered = Extract<AnswerEvent, { readonly type: "answered" }>;

/** To the figures, and to whoever has the log. */
export function tellAnswer({ metrics, note }: Told, event: Answered): void {
  metrics.note(event);
  note(event);
}

interface Told {
  readonly metrics: Pick<Metrics, "note">;
  readonly note: (event: AnswerEvent) => void;
}
