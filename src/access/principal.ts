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
  /** The section with a key to the API itself, if any: who may write it could become an admin, so it takes one. */
  readonly guarded?: string | undefined;
}

/** What is asked for: an app as a whole where no section is named. */
export interface Target {
  readonly app: string;
  readonly section?: string | undefined;
}

/** What belongs to no app (users, keys): only a grant that is not narrowed at all reaches it. */
export const everywhere = "everywhere";

/** Whether the right reaches the target. Without a target: whether it is there at all, on whatever. */
export function isAllowed(principal: Principal, right: Right, target?: Target | typeof everywhere): boolean {
  const { grant } = principal;
  if (roles.indexOf(grant.role) < roles.indexOf(neededRole(principal, right, target))) return false;
  if (target === undefined) return true;
  if (target === everywhere) return grant.apps === undefined && grant.sections === undefined;
  if (grant.apps !== undefined && !grant.apps.includes(target.app)) return false;
  return grant.sections === undefined || (target.section !== undefined && grant.sections.includes(target.section));
}

/** Throws FORBIDDEN with what is missing. */
export function requireRight(principal: Principal, right: Right, target?: Target | typeof everywhere): void {
  if (isAllowed(principal, right, target)) return;
  const where =
    target === undefined
      ? ""
      : target === everywhere
        ? " on every app and section"
        : ` on ${[target.app, target.section].filter(Boolean).join("/")}`;
  throw new ConfigSyncError("FORBIDDEN", `${principal.name} may not ${right}${where}`, {
    hint: `Needed is the role ${neededRole(principal, right, target)}${where}`,
  });
}

function neededRole({ guarded }: Principal, right: Right, target: Target | typeof everywhere | undefined): Role {
  const isGuarded =
    right === "write" && typeof target === "object" && guarded !== undefined && target.section === guarded;
  return roles[rights.indexOf(isGuarded ? "administer" : right)] ?? "admin";
}
