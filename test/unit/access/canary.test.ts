import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConfigSyncError } from "../../../src/errors.ts";
import { address, type Bed, makeBed } from "./bed.ts";

/** What may be seen nowhere: whatever is asked, however it fails. */
const password = "canary sings in the coal mine";
const configured = "canary-key-0123456789abcdef";

let bed: Bed;
beforeEach(async () => {
  bed = await makeBed({ configuredKey: () => configured });
});
afterEach(() => bed.remove());

test("no key, password or token is in an error, its JSON or its inspection, or in what is listed", async () => {
  const { access, pass } = bed;
  const key = await access.createKey("ci", { role: "viewer" }, Date.UTC(2026, 10, 22));
  await access.createUser("ann", password, { role: "viewer" });
  const tokens = await access.login({ user: "ann", password, address });
  const next = await access.refresh(tokens.refresh, address);
  const secrets = [key, password, configured, tokens.access, tokens.refresh, next.refresh, next.access];
  const wrongPassword = `${password}!`;
  const attempts: (() => Promise<unknown>)[] = [
    () => access.keys(),
    () => access.users(),
    () => access.authenticate({ key, address }),
    () => access.authenticate({ key: configured, address }),
    () => access.authenticate({ token: next.access, address }),
    () => access.authenticate({ key: `${key}x`, address }),
    () => access.authenticate({ key: `${configured}x`, address }),
    () => access.authenticate({ token: `${tokens.access}x`, address }),
    () => access.authenticate({ key: password, address }),
    () => access.login({ user: "ann", password: wrongPassword, address }),
    () => access.login({ user: password, password: key, address }),
    () => access.login({ user: key, password: "x", address }),
    () => access.refresh(tokens.refresh, address),
    () => access.refresh(next.refresh, address),
    () => access.refresh(password, address),
    () => access.createKey(key, { role: "admin" }),
    () => access.createKey(password, { role: "admin" }),
    () => access.createKey("other", { role: key as "admin" }),
    () => access.createKey("other", { role: "admin", sections: [`${password}\n`] }),
    () => access.removeKey(key),
    () => access.removeKey(next.refresh),
    () => access.removeUser(password),
    () => access.createUser("bob", password.slice(0, 11), { role: "admin" }),
    () => access.createUser(password, password, { role: "admin" }),
    () => access.createUser("ann", password, { role: "admin" }),
    () => access.setPassword(key, password),
    () => access.setPassword("ann", password.repeat(20)),
    async () => {
      pass(3 * 24 * 3_600_000);
      await access.authenticate({ key, address });
    },
    () => access.authenticate({ token: next.access, address }),
    async () => access,
  ];
  let refused = 0;
  for (const attempt of attempts) {
    const outcome = await attempt().catch((error: ConfigSyncError) => {
      refused++;
      return error;
    });
    const text = (outcome as Partial<ConfigSyncError>).toText?.call(outcome) ?? "";
    const seen = [
      inspect(outcome, { depth: 9, showHidden: true }),
      JSON.stringify(outcome),
      String(outcome),
      text,
    ].join();
    for (const secret of [...secrets, password.slice(0, 11)]) expect(seen.includes(secret), seen).toBe(false);
  }
  expect(refused).toBe(attempts.length - 6);
});
