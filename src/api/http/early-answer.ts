/** An answer that is put into words while the disk is waited for: for what is done after that, whoever asked waits. */
import type { FastifyReply } from "fastify";

export interface EarlyAnswer<Subject, Answer> {
  /** Called when only the disk is waited for; what is told of the subject holds when that is done. */
  readonly prepare: (subject: Subject) => void;
  /** What the handler returns in the end. */
  readonly give: (subject: Subject) => Answer;
}

/** Of status 200. Where nothing was prepared, or that failed, it is composed when it is given. */
export function earlyAnswer<Subject, Answer extends Readonly<Record<string, unknown>>>(
  reply: FastifyReply,
  compose: (subject: Subject) => Answer,
): EarlyAnswer<Subject, Answer> {
  let early: { readonly answer: Answer; readonly text: string } | undefined;
  return {
    prepare: (subject) => {
      // What goes to the disk in this turn goes first.
      setImmediate(() => {
        try {
          const answer = compose(subject);
          early = { answer, text: String(reply.serializeInput(answer, "200")) };
        } catch {
          // It fails again when it is given, and is heard of there.
        }
      });
    },
    give: (subject) => {
      if (early === undefined) return compose(subject);
      const { answer, text } = early;
      // What a hook behind the handler refuses is answered with other words.
      reply
        .type("application/json; charset=utf-8")
        .serializer((payload: unknown) => (payload === answer ? text : JSON.stringify(payload)));
      return answer;
    },
  };
}
