/** JWTs: what a login gets for a quarter of an hour. Made and checked here only. */
import type { JWTPayload } from "jose";

/** What a token says. It holds no role: that is looked up, so that a change holds at once. */
export interface Claims {
  readonly user: string;
  /** Of the user's record when the token was made. */
  readonly generation: string;
  /** The id of the login. */
  readonly login: string;
}

/** Seconds. */
export const accessLifetime = 15 * 60;

/** Seconds by which a clock may be set without that tokens of this moment fail. */
const tolerance = 5;

// One algorithm, whatever a token's own header asks for.
const algorithm = "HS256";
const issuer = "config-sync";
const audience = "config-sync-api";

/** Characters; ours have some 350. */
const longest = 1024;

/** `secret` is hex; `now` in milliseconds. */
export async function signToken({ user, generation, login }: Claims, secret: string, now: number): Promise<string> {
  const { SignJWT } = await import("jose");
  const { randomUUID } = await import("node:crypto");
  const seconds = Math.floor(now / 1000);
  return new SignJWT({ generation, sid: login })
    .setProtectedHeader({ alg: algorithm, typ: "JWT" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(user)
    .setJti(randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + accessLifetime)
    .sign(Buffer.from(secret, "hex"));
}

/** What it says; `over` for one that we signed and that is no longer good; undefined for all that we did not sign. */
export async function verifyToken(token: string, secret: string, now: number): Promise<Claims | "over" | undefined> {
  if (!looksLikeToken(token)) return undefined;
  const { errors, jwtVerify } = await import("jose");
  try {
    const { payload } = await jwtVerify(token, Buffer.from(secret, "hex"), {
      algorithms: [algorithm],
      typ: "JWT",
      issuer,
      audience,
      requiredClaims: ["sub", "jti", "iat", "exp"],
      currentDate: new Date(now),
      // Refuses tokens of the future, too: a clock that was set back would make them live longer.
      maxTokenAge: accessLifetime,
      clockTolerance: tolerance,
    });
    return readClaims(payload);
  } catch (error) {
    // jose looks at the claims after the signature: what fails there was signed by us.
    const isOurs = error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed;
    return isOurs ? "over" : undefined;
  }
}

/** Three parts: no key of ours has a dot. */
export function looksLikeToken(text: string): boolean {
  return text.length <= longest && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
}

function readClaims({ sub, generation, sid }: JWTPayload): Claims | undefined {
  if (typeof sub !== "string" || typeof generation !== "string" || typeof sid !== "string") return undefined;
  return { user: sub, generation, login: sid };
}
