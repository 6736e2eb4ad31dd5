/** Requests a second, by address: a bucket that refills. Bounded, as an attacker has many addresses. */
import { addressName } from "../../access/throttle.ts";

interface Bucket {
  tokens: number;
  /** Milliseconds. */
  at: number;
}

const mostAddresses = 10_000;

/** How long the address has to wait for its next request, in seconds: 0, and one request taken, or more. */
export type RateLimit = (address: string) => number;

/** Bursts of two seconds' worth are taken at once. */
export function createRateLimit(perSecond: number, now: () => number = performance.now.bind(performance)): RateLimit {
  const buckets = new Map<string, Bucket>();
  const most = perSecond * 2;
  return (address) => {
    // What addressName would say of IPv4, too.
    const owner = address.includes(":") ? addressName(address) : address;
    const at = now();
    const bucket = buckets.get(owner);
    if (bucket === undefined) {
      if (buckets.size >= mostAddresses) forgetOldest(buckets);
      buckets.set(owner, { tokens: most - 1, at });
      return 0;
    }
    bucket.tokens = Math.min(most, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    if (bucket.tokens < 1) return (1 - bucket.tokens) / perSecond;
    bucket.tokens--;
    return 0;
  };
}

function forgetOldest(buckets: Map<string, Bucket>): void {
  const [oldest] = buckets.keys();
  if (oldest !== undefined) buckets.delete(oldest);
}
