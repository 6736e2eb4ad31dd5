import { ConfigSyncError, type Place } from "../errors.ts";
import type { Filled } from "./fill.ts";

/**
 * Throws VALUE_INVALID where an argument of a command would hold a secret: every user of the machine, and in a container of its host, can
 * read the command lines of all programs. `name` is the field of the manifest, `take` finds the arguments in what was filled in.
 */
export function refuseSecretArguments(
  { value, masked }: Filled,
  { name, place, take = (filled) => filled }: Arguments,
): void {
  const exact = take(value);
  if (exact === undefined || JSON.stringify(exact) === JSON.stringify(take(masked))) return;
  throw new ConfigSyncError("VALUE_INVALID", `${name} takes in a secret, and everybody can read command lines`, {
    place: place?.(),
    hint: "Let the program read it from a file that it is given, or by env from its environment",
  });
}

interface Arguments {
  readonly name: string;
  /** Costs a parse of the manifest. */
  readonly place?: () => Place;
  readonly take?: (filled: unknown) => unknown;
}
