/** Who guesses waits: longer after each wrong guess, counted by name. */
import type { Clock } from "../platform/clock.ts";

export interface Throttle {
  /** Milliseconds until this name may try again; 0: now. */
  readonly wait: (name: string) => number;
  /** Counts a try. Before the answer is known, so that a thousand tries at the same moment are a thousand. */
  readonly count: (name: string) => void;
  /** Takes one try back. */
  readonly forgive: (name: string) => void;
  /** Takes all back. */
  readonly forget: (name: string) => void;
}

export interface ThrottleOptions {
  /** Tries without a pause. */
  readonly free: number;
  /** Milliseconds: the first pause, which doubles with each further try, and the longest. */
  readonly first: number;
  readonly longest: number;
  /** Names that are remembered; beyond that the one that tried longest ago is forgotten. */
  readonly capacity: number;
}

interface Tries {
  readonly count: number;
  readonly last: number;
}

/** Milliseconds without a try after which the earlier ones do not count. */
const memory = 60 * 60 * 1000;

export function createThrottle({ free, first, longest, capacity }: ThrottleOptions, clock: Clock): Throttle {
  // A Map keeps the order of insertion: whoever tries goes to its end.
  const tried = new Map<string, Tries>();

  const recall = (name: string): Tries => {
    const known = tried.get(name);
    const now = clock.now();
    if (known === undefined || now - known.last > memory) return { count: 0, last: now };
    // A clock that was set back must not make the pause longer than it is.
    if (known.last > now) tried.set(name, { ...known, last: now });
    return { count: known.count, last: Math.min(known.last, now) };
  };

  const remember = (name: string, count: number, last: number): void => {
    tried.delete(name);
    if (count <= 0) return;
    tried.set(name, { count, last });
    for (const oldest of tried.keys()) {
      if (tried.size <= capacity) break;
      tried.delete(oldest);
    }
  };

  return {
    wait: (name) => {
      const { count, last } = recall(name);
      if (count < free) return 0;
      const pause = Math.min(longest, first * 2 ** (count - free));
      return Math.max(0, last + pause - clock.now());
    },
    count: (name) => remember(name, recall(name).count + 1, clock.now()),
    forgive: (name) => {
      const { count, last } = recall(name);
      remember(name, count - 1, last);
    },
    forget: (name) => void tried.delete(name),
  };
}

/** Characters: an IPv6 address with a zone. */
const longestAddress = 64;

/** An address as a name for a throttle: IPv6 by its /64, since a single host has all of one. Short, whatever was given. */
export function addressName(address: string): string {
  if (address.length > longestAddress) return "";
  const plain = address.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, "");
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.replace(/%.*/, "").split("::", 2);
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  const groups = [...left, ...zeros, ...right].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
