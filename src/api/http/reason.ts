/** Reasons that people give for what they do. They are kept for ever and shown to everybody, and people repeat in them what they set. */
import type { TreeApp } from "../../apps/tree-app.ts";
import { isTree, type Json, type JsonTree } from "../../config/json.ts";
import type { Path } from "../../config/path.ts";
import type { PathTest } from "../../config/pattern.ts";
import { passwordsInUrls, redactor } from "../../config/secret.ts";

/**
 * Without what is given with it, where that is long enough to be a secret: before it is taken, and where it is refused, nobody knows yet
 * which of it is one.
 */
export function withoutGiven(reason: string, given: readonly (Json | undefined)[]): string {
  const texts = given.flatMap((value) => [...leaves(value ?? null, [])].map(({ text }) => text));
  return redactor(texts.filter((text) => text.length >= shortest))(reason);
}

/** Without what is secret in the app. Of one that cannot be read nobody knows a secret. */
export function withoutSecretsOf({ current, isSecret }: Pick<TreeApp, "current" | "isSecret">, reason: string): string {
  let value: JsonTree;
  try {
    value = current().data;
  } catch {
    return reason;
  }
  return withoutSecrets(reason, [{ path: [], value }], isSecret);
}

/** Without what is secret in these values, each with the path that it stands at. */
export function withoutSecrets(reason: string, placed: readonly Placed[], isSecret: PathTest): string {
  const isHidden = (path: Path): boolean => path.some((_, index) => isSecret(path.slice(0, index + 1)));
  const secrets: string[] = [];
  for (const { path: at, value = null } of placed) {
    for (const { text, path } of leaves(value, at)) {
      // Trees are large, and reasons repeat little of them.
      if (reason.includes(text) && isHidden(path)) secrets.push(text);
      secrets.push(...passwordsInUrls(text));
    }
  }
  return redactor(secrets)(reason);
}

interface Placed {
  readonly path: Path;
  readonly value?: Json | undefined;
}

/** Characters. */
const shortest = 6;

function* leaves(value: Json, path: Path): Generator<{ readonly text: string; readonly path: Path }> {
  if (typeof value === "string") yield { text: value, path };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* leaves(item, [...path, `${index}`]);
  else if (isTree(value)) for (const [key, inner] of Object.entries(value)) yield* leaves(inner, [...path, key]);
}
