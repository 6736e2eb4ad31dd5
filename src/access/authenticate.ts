/** Who is it that shows this key or token? */
import type { Clock } from "../platform/clock.ts";
import type { Access } from "./access.ts";
import type { Grant, Principal } from "./principal.ts";
import { grantOf } from "./records.ts";
import { refused, refuseStranger } from "./refusal.ts";
import type { Store } from "./store.ts";
import type { Throttle } from "./throttle.ts";
import { digestOf, idOf, isDigestOf, keyKind } from "./tickets.ts";
import { looksLikeToken, verifyToken } from "./tokens.ts";

/** A key that stands in clear in the configuration, `[api_key] key`. */
export interface ConfiguredKey {
  /** As it is now; undefined where there is none. */
  readonly key: () => string | undefined;
  /** The section that it stands in now. */
  readonly section: () => string | undefined;
  readonly grant: Grant;
}

export interface Authentication {
  readonly store: Store;
  readonly clock: Clock;
  readonly configured: ConfiguredKey | undefined;
  /** By address; counts what was wrong. */
  readonly strangers: Throttle;
}

/** The author in the history; no other key or user can have this name. */
const configuredName = "api_key";

/** Characters. A shorter key could be found by trying, and what is tried here is not slowed down when it is right. */
export const shortestConfiguredKey = 16;

export function createAuthenticate({ store, clock, configured, strangers }: Authentication): Access["authenticate"] {
  const known = (name: string, kind: Principal["kind"], grant: Grant): Principal => {
    const guarded = configured?.section();
    return { name, kind, grant, ...(guarded === undefined ? {} : { guarded }) };
  };

  const byKey = (shown: string, address: string): Principal => {
    const id = idOf(keyKind, shown);
    const record = id === undefined ? undefined : store.read().keys.find((key) => key.id === id);
    if (record !== undefined && isDigestOf(shown, record.digest)) {
      if (record.expiresAt !== undefined && record.expiresAt <= clock.now()) throw refused("the key is over");
      return known(record.name, "key", grantOf(record));
    }
    if (configured !== undefined && isConfigured(shown, configured.key()))
      return known(configuredName, "key", configured.grant);
    throw refuseStranger(strangers, address, "no such key");
  };

  const byToken = async (shown: string, address: string): Promise<Principal> => {
    const claims = await verifyToken(shown, store.read().secret, clock.now());
    if (claims === undefined) throw refuseStranger(strangers, address, "a token that is not ours");
    if (claims === "over") throw refused("the token is over");
    // Read after the wait: a user who was removed meanwhile is nobody.
    const { users, logins } = store.read();
    const user = users.find(({ name }) => name === claims.user);
    if (user === undefined) throw refused("a token of a user who was removed");
    if (user.generation !== claims.generation) throw refused("a token from before a change of the user");
    if (!logins.some(({ id }) => id === claims.login)) throw refused("a token of a login that was ended");
    return known(user.name, "user", grantOf(user));
  };

  return async ({ key, token, address }) => {
    const shown = key ?? token ?? "";
    // Nothing was tried: browsers and probes that just ask are not kept waiting.
    if (shown === "") throw refused("nothing was shown");
    return key === undefined && looksLikeToken(shown) ? byToken(shown, address) : byKey(shown, address);
  };
}

/** Lengths differ, and a comparison says how far two texts agree: digests do neither. */
function isConfigured(shown: string, key: string | undefined): boolean {
  return key !== undefined && key.length >= shortestConfiguredKey && isDigestOf(shown, digestOf(key));
}
