import type { Access } from "../access/access.ts";
import { once } from "../platform/once.ts";

/**
 * Those who are known, read when somebody is to be let in. The owner of the control socket is asked for nothing: a file that cannot be
 * read is no reason to tell him no status. Each question throws what `open` throws, until that works.
 */
export function openLater(open: () => Promise<Access>): Access {
  const opened = once(open);
  return {
    authenticate: async (credentials) => (await opened()).authenticate(credentials),
    login: async (login) => (await opened()).login(login),
    refresh: async (token, address) => (await opened()).refresh(token, address),
    logout: async (token) => (await opened()).logout(token),
    keys: async () => (await opened()).keys(),
    createKey: async (name, grant, expiresAt) => (await opened()).createKey(name, grant, expiresAt),
    removeKey: async (name) => (await opened()).removeKey(name),
    users: async () => (await opened()).users(),
    createUser: async (name, password, grant) => (await opened()).createUser(name, password, grant),
    setPassword: async (name, password) => (await opened()).setPassword(name, password),
    setGrant: async (name, grant) => (await opened()).setGrant(name, grant),
    removeUser: async (name) => (await opened()).removeUser(name),
  };
}
