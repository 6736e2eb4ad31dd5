/**
 * Who showed the same on the same connection a moment ago. To find out who shows a key costs a look at a file and a digest, a token
 * a signature: a third to a multiple of the whole answer to a reader who asks again and again.
 */
import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { Credentials } from "../../access/access.ts";
import type { Principal } from "../../access/principal.ts";

/** Milliseconds for which a key that another process takes away, or a token that is over, goes on being taken. */
const moment = 100;

interface Shown {
  readonly isKey: boolean;
  readonly text: Buffer;
  readonly principal: Principal;
  readonly at: number;
}

export interface Recent {
  readonly find: (socket: Socket, shown: Credentials) => Principal | undefined;
  readonly remember: (socket: Socket, shown: Credentials, principal: Principal) => void;
  /** Everybody is asked for anew: somebody was logged out. */
  readonly forget: () => void;
}

export function createRecent(now: () => number = performance.now.bind(performance)): Recent {
  let known = new WeakMap<Socket, Shown>();
  return {
    find: (socket, shown) => {
      const last = known.get(socket);
      if (last === undefined || last.isKey !== isKey(shown) || now() - last.at > moment) return undefined;
      const text = textOf(shown);
      // A proxy has one connection for many people.
      const same = text.length === last.text.length && timingSafeEqual(text, last.text);
      return same ? last.principal : undefined;
    },
    remember: (socket, shown, principal) =>
      void known.set(socket, { isKey: isKey(shown), text: textOf(shown), principal, at: now() }),
    forget: () => {
      known = new WeakMap();
    },
  };
}

function isKey({ key }: Credentials): boolean {
  return key !== undefined;
}

/** Headers come as bytes, one a character. */
function textOf({ key, token = "" }: Credentials): Buffer {
  return Buffer.from(key ?? token, "latin1");
}
