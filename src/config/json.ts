/** A value as JSON knows it: what the documents of an app with a tree of values hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonTree;

export interface JsonTree {
  readonly [key: string]: Json;
}

/** A value that came, went or became another one; of a list as a whole, of a map that came or went leaf by leaf. */
export interface TreeChange {
  /** The written path: `server.port`, `[log.console].level`. */
  readonly path: string;
  readonly kind: "added" | "changed" | "removed";
  readonly before?: Json;
  readonly after?: Json;
  /** One of them was secret where it stood, whatever the path says of itself now. */
  readonly secret?: boolean;
}

export function isTree(value: Json | undefined): value is JsonTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
