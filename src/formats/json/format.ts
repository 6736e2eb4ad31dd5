import type { Format } from "../format.ts";
import { fieldOf } from "../tree.ts";
import { mergeJson } from "./merge.ts";
import { fieldsOfJson, parseJson } from "./tree.ts";

/**
 * JSON. Lists are leaves, and an empty object holds no keys. What we render must be strict JSON; a file that we merge into
 * may hold comments and trailing commas, and keeps them.
 */
export const jsonFormat: Format = {
  name: "json",
  alone: {
    before: /^\s*$|(?:^|\n)(?:[^"\n]|"(?:[^"\\\n]|\\.)*")*[:[,]\s*$/,
    after: /^\s*(?:$|[,\]}])/,
  },
  write: (value) => JSON.stringify(value),
  writePart: (value) => JSON.stringify(value).slice(1, -1),
  read: (text) => fieldsOfJson(parseJson(text, "strict"), fieldOf),
  merge: mergeJson,
};
