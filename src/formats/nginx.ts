import type { Format } from "./format.ts";
import { refuseCharacters } from "./unrepresentable.ts";

/**
 * nginx configuration, without a notion of keys. A value becomes one token of a directive.
 *
 * nginx expands `$name` also inside quotes and has no escape for the dollar sign.
 */
export const nginxFormat: Format = {
  name: "nginx",
  alone: { before: /(?:^|\s)$/, after: /^(?:$|[\s;])/ },
  write,
  writePart,
  read: () => [],
};

const plain = /^[A-Za-z0-9_./:@,+=-]+$/;

function write(value: string): string {
  if (plain.test(value)) return value;
  refuseCharacters(value, /\$/, "nginx", "nginx has no escape for $: choose a value without it");
  refuseCharacters(value, /\p{Cc}/u, "an nginx token");
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

function writePart(value: string): string {
  refuseCharacters(value, /[^A-Za-z0-9_./:@,+=-]/, "nginx inside other text", "Let the placeholder stand alone");
  return value;
}
