import { expect, test } from "vitest";
import type { Snapshot } from "../../../src/config/layers.ts";
import { Secret } from "../../../src/config/secret.ts";
import type { Revision } from "../../../src/history/history.ts";
import { createKnownSecrets, type KnownSecretsParts } from "../../../src/sync/known-secrets.ts";

const snapshotOf = (text: string) =>
  ({ hash: text, candidates: new Map([["a.password", [{ value: new Secret(text) }]]]) }) as unknown as Snapshot;

/** One service; `history` has the secrets of the revisions. */
function make(history: readonly string[] = []) {
  const state = { revision: history.length, healthy: 0, ill: false };
  const asked: number[] = [];
  const parts = {
    names: ["one"],
    ledger: {
      revision: () => (state.revision === 0 ? undefined : { number: state.revision, hash: history.at(-1), at: 0 }),
      record: () => ({
        healthy: state.healthy === 0 ? undefined : { revision: state.healthy },
        ill: state.ill,
      }),
    },
    door: {
      revisions: {
        get: async (number: number) => {
          asked.push(number);
          const secret = history[number - 1];
          return secret === undefined ? undefined : ({ number, message: secret } as Revision);
        },
      },
      read: ({ message }: Revision) => snapshotOf(message),
    },
  } as unknown as KnownSecretsParts;
  const known = createKnownSecrets(parts);
  return {
    known,
    asked,
    becomeHealthy: () => Object.assign(state, { healthy: state.revision, ill: false }),
    fallIll: () => Object.assign(state, { ill: true }),
    /** As the engine does: the revision gets its number when the values were taken up. */
    takeUp: async (secret: string) => {
      await known.takeUp(snapshotOf(secret));
      state.revision++;
    },
  };
}

const said = "secret-1, secret-2, secret-3, secret-4";

test("what a service was last healthy on is known however many changes it refused since", async () => {
  const { known, takeUp, becomeHealthy } = make();
  await takeUp("secret-1");
  becomeHealthy();
  await takeUp("secret-2");
  await takeUp("secret-3");
  await takeUp("secret-4");
  expect(known.redact(said)).toBe("[secret], secret-2, [secret], [secret]");
  becomeHealthy();
  await takeUp("secret-5");
  await takeUp("secret-6");
  expect(known.redact(said)).toBe("secret-1, secret-2, secret-3, [secret]");
});

test("after a start the history says what a service is on that has something to do", async () => {
  const { known, takeUp, becomeHealthy, asked } = make(["secret-1", "secret-2"]);
  becomeHealthy();
  await takeUp("secret-3");
  expect(asked).toEqual([2]);
  expect(known.redact(said)).toBe("secret-1, [secret], [secret], secret-4");
});

test("after a start without news the history is not asked", async () => {
  const { takeUp, becomeHealthy, asked } = make(["secret-1"]);
  becomeHealthy();
  await takeUp("secret-1");
  expect(asked).toEqual([]);
});

test("after a start without news the history is asked for services that had not finished", async () => {
  const { known, takeUp, becomeHealthy, fallIll, asked } = make(["secret-1", "secret-2"]);
  becomeHealthy();
  fallIll();
  await takeUp("secret-2");
  expect(asked).toEqual([2]);
  expect(known.redact(said)).toBe("secret-1, [secret], secret-3, secret-4");
});
