import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigSyncError } from "../../src/errors.ts";
import type { ActionContext } from "../../src/platform/context.ts";
import { reloadOf } from "../../src/reload/index.ts";
import { actionContext, plantedSecret } from "./action-context.ts";

/** A spec as it is written in a manifest, and what is special in its surroundings. */
export interface Case {
  readonly spec: unknown;
  readonly context?: Partial<ActionContext>;
}

/** A kind with real servers behind it, brought into each situation that the contract speaks of. */
export interface ReloadSubject {
  /** A reload that works; `happened` fails while the service has not been told. */
  readonly success: Case & { readonly happened: () => Promise<void> };
  /** The mechanism says no, in a text that holds the planted secret; `says` is what else stands there. */
  readonly refused: Case & { readonly says: RegExp };
  readonly unreachable: Case;
  /** A server that takes the connection and never answers. The contract gives it 300 ms. */
  readonly hung: Case;
  /** Specs with the planted secret in every field that is not made for showing. */
  readonly revealing: readonly unknown[];
  readonly stop: () => Promise<void>;
}

/** What every kind of reload must do, whatever is behind it. */
export function reloadContract(kind: string, start: () => Promise<ReloadSubject>): void {
  describe(`reload contract: ${kind}`, () => {
    let subject: ReloadSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject?.stop());

    const run = ({ spec, context }: Case) => {
      const reload = reloadOf(kind);
      // The engine keeps specs in its ledger: they must survive JSON.
      const stored = JSON.parse(JSON.stringify(reload.schema.parse(spec)));
      return reload.run(stored, actionContext(context));
    };
    const failure = async (one: Case): Promise<ConfigSyncError> => {
      const error = await run(one).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(ConfigSyncError);
      return error as ConfigSyncError;
    };

    test("tells the service", async () => {
      await run(subject.success);
      await subject.success.happened();
    });

    test("a no is RELOAD_REFUSED with what was said, and without the secret in it", async () => {
      const error = await failure(subject.refused);
      expect(error.code).toBe("RELOAD_REFUSED");
      expect(error.message).toMatch(subject.refused.says);
      expect(error.message).toContain("[secret]");
      expect(error.toText() + JSON.stringify(error) + String(error.cause)).not.toContain(plantedSecret);
    });

    test("nobody there is UNREACHABLE", async () => {
      expect((await failure(subject.unreachable)).code).toBe("UNREACHABLE");
    });

    test("a server that never answers is TIMED_OUT, and can be tried again", async () => {
      const signal = AbortSignal.timeout(300);
      const { spec, context } = subject.hung;
      const error = await failure({ spec, context: { ...context, signal } });
      expect(error).toMatchObject({ code: "TIMED_OUT", retryable: true });
    });

    test("an action that is interrupted before it began does nothing", async () => {
      const signal = AbortSignal.abort();
      const { spec, context } = subject.success;
      expect((await failure({ spec, context: { ...context, signal } })).code).toBe("TIMED_OUT");
    });

    test("describe shows no secret", () => {
      const reload = reloadOf(kind);
      for (const spec of subject.revealing) {
        const text = reload.describe(reload.schema.parse(spec));
        expect(text).not.toContain(plantedSecret);
        expect(text.length).toBeGreaterThan(5);
      }
    });

    test("an unknown setting is refused", () => {
      const { spec } = subject.success;
      expect(reloadOf(kind).schema.safeParse({ ...(spec as object), colour: "red" }).success).toBe(false);
    });
  });
}
