/** Who may do what: the roles, and how a grant is narrowed to apps and sections. Pure. */
import { ConfigSyncError } from "../errors.ts";

/** Each role has the rights of those before it. */
export const roles = ["viewer", "operator", "editor", "admin"] as const;
export type Role = (typeof roles)[number];

/** `operate`: plan, apply, reload, retry. `write`: change the configuration. `administer`: users, keys, revealing of secrets. */
export const rights = ["read", "operate", "write", "administer"] as const;
export type Right = (typeof rights)[number];

/** A role, narrowed to apps and to sections of theirs where these are given. */
export interface Grant {
  readonly role: Role;
  readonly apps?: readonly string[] | undefined;
  readonly sections?: readonly string[] | undefined;
}

/** Somebody who is known: by key, by token, or by being the owner of the control socket. */
export interface Principal {
  /** What stands in the history as the author. */
  readonly name: string;
  readonly kind: "key" | "user" | "local";
  readonly grant: Grant;
}

/** What is asked for: an app as a whole where no section is named. */
export interface Target {
  readonly app: string;
  readonly section?: string | undefined;
}

/** Whether the right reaches the target. Without a target: whether it is there at all, on whatever. */
export function isAllowed({ grant }: Principal, right: Right, target?: Target): boolean {
  if (roles.indexOf(grant.role) < rights.indexOf(right)) return false;
  if (target === undefined) return true;
  if (grant.apps !== undefined && !grant.apps.includes(target.app)) return false;
  return grant.sections === undefined || (target.section !== undefined && grant.sections.includes(target.section));
}

/** Throws FORBIDDEN with what is missing. */
export function requireRight(principal: Principal, right: Right, target?: Target): void {
  if (isAllowed(principal, right, target)) return;
  const where = target === undefined ? "" : ` on ${[target.app, target.section].filter(Boolean).join("/")}`;
  throw new ConfigSyncError("FORBIDDEN", `${principal.name} may not ${right}${where}`, {
    hint: `Needed is the role ${roles[rights.indexOf(right)]}${where}`,
  });
}
