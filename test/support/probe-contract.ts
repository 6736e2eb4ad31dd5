import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { probeOf } from "../../src/probe/index.ts";
import type { Health } from "../../src/probe/probe.ts";
import { actionContext, plantedSecret } from "./action-context.ts";
import type { Case } from "./reload-contract.ts";

/** A kind of probe with real servers behind it. */
export interface ProbeSubject {
  readonly healthy: Case;
  /** The service is there and not well; `says` is what the detail tells, the planted secret blotted out of it. */
  readonly unhealthy: Case & { readonly says: RegExp };
  readonly absent: Case;
  /** Takes the connection and never answers. The contract gives it 300 ms. */
  readonly hung: Case;
  readonly revealing: readonly unknown[];
  readonly stop: () => Promise<void>;
}

/** What every kind of probe must do, whatever is behind it. */
export function probeContract(kind: string, start: () => Promise<ProbeSubject>): void {
  describe(`probe contract: ${kind}`, () => {
    let subject: ProbeSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject?.stop());

    const check = ({ spec, context }: Case): Promise<Health> => {
      const probe = probeOf(kind);
      const stored = JSON.parse(JSON.stringify(probe.schema.parse(spec)));
      return probe.check(stored, actionContext(context));
    };

    test("says healthy", async () => {
      expect(await check(subject.healthy)).toMatchObject({ healthy: true, detail: expect.stringMatching(/./) });
    });

    test("says what is wrong, without the secret in it", async () => {
      const { healthy, detail } = await check(subject.unhealthy);
      expect(healthy).toBe(false);
      expect(detail).toMatch(subject.unhealthy.says);
      expect(detail).not.toContain(plantedSecret);
    });

    test("nobody there is an answer, not an error", async () => {
      expect(await check(subject.absent)).toMatchObject({ healthy: false, detail: expect.stringMatching(/./) });
    });

    test("a server that never answers is not healthy", async () => {
      const { spec, context } = subject.hung;
      expect((await check({ spec, context: { ...context, signal: AbortSignal.timeout(300) } })).healthy).toBe(false);
    });

    test("describe shows no secret", () => {
      const probe = probeOf(kind);
      for (const spec of subject.revealing)
        expect(probe.describe(probe.schema.parse(spec))).not.toContain(plantedSecret);
    });

    test("an unknown setting is refused", () => {
      const { spec } = subject.healthy;
      expect(probeOf(kind).schema.safeParse({ ...(spec as object), colour: "red" }).success).toBe(false);
    });
  });
}
