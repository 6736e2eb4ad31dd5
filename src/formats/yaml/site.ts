import { isCollection, isScalar } from "yaml";
import { nextLine } from "../text-edits.ts";
import { endOf, type YamlPair } from "./read.ts";

/** Behind the colon of a pair, or undefined where there is none (`{a, b}`). */
export function colonOf(pair: YamlPair): number | undefined {
  const token = pair.srcToken?.sep?.find(({ type }) => type === "map-value-ind");
  return token === undefined ? undefined : token.offset + 1;
}

/** Whether the value goes on below the key's line: a collection in block style, or a block scalar (`|`, `>`). */
export function startsOnOwnLine(text: string, { value }: YamlPair): "collection" | "scalar" | false {
  if (isCollection(value) && !value.flow) return "collection";
  return isScalar(value) && /^[|>]/.test(text.slice(value.range[0], value.range[0] + 1)) ? "scalar" : false;
}

/** Behind the last line of a pair in block style. The range of a block value ends there already, that of others before. */
export function endOfPair(text: string, { key, value }: YamlPair): number {
  const end = Math.max(endOf(key), value === null ? 0 : endOf(value));
  return end > endOf(key) && text.charAt(end - 1) === "\n" ? end : nextLine(text, end);
}
