/**
 * What the room offers: to find out who asks, and to manage who is known.
 *
 * Whoever calls the managing half makes sure of the right first: `requireRight(principal, "administer", everywhere)`.
 */
import type { Grant, Principal } from "./principal.ts";

/** What somebody shows. `address` is the peer, for throttling. */
export interface Credentials {
  /** `x-api-key`. Where it is given nothing else counts. */
  readonly key?: string | undefined;
  /** Bearer: a JWT or a key; which of them is told by its form. */
  readonly token?: string | undefined;
  readonly address: string;
}

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly address: string;
}

export interface Tokens {
  /** A JWT. */
  readonly access: string;
  /** Seconds until `access` is over. */
  readonly expiresIn: number;
  /** Good for one refresh. */
  readonly refresh: string;
}

/** A key as listed; the key itself is shown once, when it is made. */
export interface KeyInfo extends Grant {
  readonly name: string;
  /** The beginning of the key, to tell keys apart. */
  readonly prefix: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
}

export interface UserInfo extends Grant {
  readonly name: string;
  readonly createdAt: number;
}

export interface Access {
  /**
   * Throws UNAUTHENTICATED, in the same words whatever the reason; TOO_MANY_REQUESTS (with retryAfter) instead after many wrong
   * ones from one address. What is right is always let in: a neighbour behind the same proxy cannot lock anybody out.
   * Cheap enough to be asked again in a stream that goes on.
   */
  readonly authenticate: (credentials: Credentials) => Promise<Principal>;
  /** Throws UNAUTHENTICATED, the same for an unknown user and a wrong password; TOO_MANY_REQUESTS (with retryAfter). */
  readonly login: (login: Login) => Promise<Tokens>;
  /** Throws UNAUTHENTICATED; a refresh token that is shown twice ends all tokens of its login. */
  readonly refresh: (token: string, address: string) => Promise<Tokens>;
  /** Ends the login that the refresh token or JWT belongs to, with all its tokens. A token that is not known is as good. */
  readonly logout: (token: string) => Promise<void>;

  readonly keys: () => Promise<KeyInfo[]>;
  /** Returns the key, which is kept hashed only. `expiresAt` in milliseconds since 1970. Throws EXISTS, VALUE_INVALID. */
  readonly createKey: (name: string, grant: Grant, expiresAt?: number) => Promise<string>;
  /** Throws NOT_FOUND. */
  readonly removeKey: (name: string) => Promise<void>;

  readonly users: () => Promise<UserInfo[]>;
  /** Throws EXISTS; VALUE_INVALID for a password that is too weak. */
  readonly createUser: (name: string, password: string, grant: Grant) => Promise<void>;
  /** Ends every token of the user, as do the next two. Throws NOT_FOUND, VALUE_INVALID. */
  readonly setPassword: (name: string, password: string) => Promise<void>;
  readonly setGrant: (name: string, grant: Grant) => Promise<void>;
  readonly removeUser: (name: string) => Promise<void>;
}
