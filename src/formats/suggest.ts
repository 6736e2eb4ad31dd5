import type { ZodType } from "zod";

/** What somebody who wrote `key` at this path of a document probably meant, by the schema of the document. */
export function suggestKey(key: string, schema: ZodType, path: readonly PropertyKey[]): string | undefined {
  const distances = keysAt(schema, path).map((known) => ({ known, distance: editDistance(key, known) }));
  const near = distances.filter(({ distance }) => distance > 0 && distance <= Math.ceil(key.length / 3));
  return near.toSorted((a, b) => a.distance - b.distance)[0]?.known;
}

/** The parts of zod's definitions that lead further down. */
interface Definition {
  readonly shape?: Readonly<Record<string, Node>>;
  readonly innerType?: Node;
  readonly element?: Node;
  readonly valueType?: Node;
  readonly in?: Node;
  readonly out?: Node;
  readonly options?: readonly Node[];
}

interface Node {
  readonly def: Definition;
}

function keysAt(schema: ZodType, path: readonly PropertyKey[]): string[] {
  let nodes = unwrap(schema as unknown as Node);
  for (const step of path) {
    nodes = nodes.flatMap(({ def }) => {
      const next = def.shape?.[String(step)] ?? def.element ?? def.valueType;
      return next === undefined ? [] : unwrap(next);
    });
  }
  return nodes.flatMap(({ def }) => Object.keys(def.shape ?? {}));
}

/** Through defaults, transformations and unions to what has keys or elements of its own. */
function unwrap(node: Node): Node[] {
  const { innerType, in: before, out, options } = node.def;
  const inner = [innerType, before, out, ...(options ?? [])].filter((next) => next !== undefined);
  return inner.length === 0 ? [node] : inner.flatMap(unwrap);
}

/** Levenshtein. Names are short; what is long is no name. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
