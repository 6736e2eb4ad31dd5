/** What of a tree is shown to whoever may not see secrets, and how what was shown comes back in a write. Pure. */
import { ConfigSyncError } from "../errors.ts";
import { isTree, type Json, type JsonTree } from "./json.ts";
import { mapMembers, sameValue } from "./json-tree.ts";
import { formatPath, type Path } from "./path.ts";
import type { PathTest } from "./pattern.ts";
import { maskUrls, secretMark } from "./secret.ts";

/** What is secret stands as `[secret]`, value by value: keys can be seen. Also passwords inside URLs. */
export function maskValue(value: Json, at: Path, isSecret: PathTest): Json {
  const secret = at.some((_, index) => isSecret(at.slice(0, index + 1)));
  return mask(value, at, secret, isSecret);
}

function mask(value: Json, at: Path, secret: boolean, isSecret: PathTest): Json {
  if (isTree(value)) return maskMembers(value, at, secret, isSecret);
  if (secret) return secretMark;
  if (Array.isArray(value)) return value.map((item: Json, index) => maskItem(item, [...at, `${index}`], isSecret));
  return typeof value === "string" && value.includes("://") ? maskUrls(value) : value;
}

function maskItem(item: Json, at: Path, isSecret: PathTest): Json {
  return mask(item, at, isSecret(at), isSecret);
}

function maskMembers(tree: JsonTree, at: Path, secret: boolean, isSecret: PathTest): JsonTree {
  return mapMembers(tree, (key, inner) => {
    const path = [...at, key];
    return mask(inner, path, secret || isSecret(path), isSecret);
  });
}

/**
 * Puts the present value where a write brings back only what was shown in its place. Throws VALUE_INVALID with the key for a mask
 * that stands anywhere else: it would become the password.
 */
export function keepMasked(given: Json, present: Json | undefined, at: Path, isSecret: PathTest): Json {
  if (isTree(given))
    return mapMembers(given, (key, inner) => {
      const before = isTree(present) && Object.hasOwn(present, key) ? present[key] : undefined;
      return keepMasked(inner, before, [...at, key], isSecret);
    });
  if (!holdsMask(given)) return given;
  if (present !== undefined && sameValue(given, maskValue(present, at, isSecret))) return present;
  const key = formatPath(at);
  throw new ConfigSyncError(
    "VALUE_INVALID",
    `what is given for ${key} is only what is shown in the place of a secret`,
    {
      key,
      hint: "Give the value itself, or leave the key where it was to keep it",
    },
  );
}

/** Whether what is shown in the place of a secret stands in it: as the whole value, or in a URL as its password or in its query. */
export function holdsMask(value: Json): boolean {
  if (typeof value === "string") return value === secretMark || maskInUrl.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsMask);
}

const maskInUrl = /:\[secret\]@|[?&;][\w.-]+=\[secret\]/;
