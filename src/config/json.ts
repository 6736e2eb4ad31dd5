/** A value as JSON knows it: what the documents of an app with a tree of values hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonTree;

export interface JsonTree {
  readonly [key: string]: Json;
}
