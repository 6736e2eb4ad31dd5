/** A role with its narrowing, as options and as columns of a table. */
import { type Grant, type Role, roles } from "../access/principal.ts";
import { ConfigSyncError } from "../errors.ts";
import type { Call, Option } from "./command.ts";

export const grantOptions: readonly Option[] = [
  { flags: "--role <role>", description: roles.join(", ") },
  { flags: "--app <name>", description: "only for this app; may be given again", repeat: true },
  { flags: "--section <name>", description: "only for this section; may be given again", repeat: true },
];

/** Throws USAGE. */
export function readGrant({ options }: Call): Grant {
  const { role, app, section } = options;
  if (!isRole(role)) {
    const given = role === undefined ? "no --role is given" : `--role ${role} is not a role`;
    throw new ConfigSyncError("USAGE", given, { hint: `Write --role ${roles.join(", ")}` });
  }
  return { role, ...(Array.isArray(app) && { apps: app }), ...(Array.isArray(section) && { sections: section }) };
}

function isRole(given: unknown): given is Role {
  return roles.some((role) => role === given);
}

export const grantHead = ["ROLE", "APPS", "SECTIONS"];

export function grantColumns({ role, apps, sections }: Grant): string[] {
  return [role, formatNames(apps), formatNames(sections)];
}

function formatNames(names: readonly string[] | undefined): string {
  return names === undefined ? "all" : names.length === 0 ? "none" : names.join(", ");
}
