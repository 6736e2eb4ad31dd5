import { readFileSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAllowed } from "../../../src/access/principal.ts";
import { addressName } from "../../../src/access/throttle.ts";
import { address, type Bed, codeOf, goodPassword, makeBed, thrownBy } from "./bed.ts";

const day = 24 * 3_600_000;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

let bed: Bed;
beforeEach(async () => {
  bed = await makeBed();
});
afterEach(() => bed.remove());

const login = (password = goodPassword, user = "ann", from = address) =>
  bed.access.login({ user, password, address: from });
const show = (token: string) => bed.access.authenticate({ token, address });
const showKey = (key: string) => bed.access.authenticate({ key, address });

describe("the first start", () => {
  test("makes one admin key, once, which is let in", async () => {
    const key = (await bed.access.ensureAdmin()) ?? "";
    expect(await showKey(key)).toEqual({ name: "admin", kind: "key", grant: { role: "admin" } });
    expect(await bed.access.ensureAdmin()).toBeUndefined();
    expect(await (await bed.openAgain()).ensureAdmin()).toBeUndefined();
  });

  test("of two at once makes one key", async () => {
    const made = await Promise.all([bed.access.ensureAdmin(), (await bed.openAgain()).ensureAdmin()]);
    expect(made.filter((key) => key !== undefined)).toHaveLength(1);
    expect(await bed.access.keys()).toHaveLength(1);
  });

  test("makes none where somebody is known", async () => {
    await bed.access.createUser("ann", goodPassword, { role: "viewer" });
    expect(await bed.access.ensureAdmin()).toBeUndefined();
  });
});

describe("a key", () => {
  test("is let in with its grant, as x-api-key and as Bearer", async () => {
    const grant = { role: "editor", apps: ["shop"], sections: ["gitea", "web"] } as const;
    const key = await bed.access.createKey("ci", grant);
    const who = { name: "ci", kind: "key", grant };
    expect(await showKey(key)).toEqual(who);
    expect(await show(key)).toEqual(who);
  });

  test("is listed by its beginning", async () => {
    const key = await bed.access.createKey("ci", { role: "viewer" }, Date.UTC(2027, 0, 1));
    const [info] = await bed.access.keys();
    expect(info).toEqual({
      name: "ci",
      prefix: key.slice(0, 12),
      createdAt: Date.UTC(2026, 10, 21),
      expiresAt: Date.UTC(2027, 0, 1),
      role: "viewer",
    });
  });

  test("is let in until it is over, and again where the clock was set back", async () => {
    const key = await bed.access.createKey("ci", { role: "viewer" }, Date.UTC(2026, 10, 22));
    bed.pass(day - 1);
    await showKey(key);
    bed.pass(1);
    expect(await codeOf(showKey(key))).toBe("UNAUTHENTICATED");
    bed.pass(-day);
    await showKey(key);
  });

  test("that was removed is nobody at once, also in a process that had it open, and its name can be given again", async () => {
    const key = await bed.access.createKey("ci", { role: "editor" });
    const other = await bed.openAgain();
    await other.authenticate({ key, address });
    await bed.access.removeKey("ci");
    expect(await codeOf(other.authenticate({ key, address }))).toBe("UNAUTHENTICATED");
    const next = await bed.access.createKey("ci", { role: "viewer" });
    expect(await codeOf(showKey(key))).toBe("UNAUTHENTICATED");
    expect(await showKey(next)).toMatchObject({ grant: { role: "viewer" } });
  });

  test("of two names are two; one name is given once", async () => {
    const keys = await Promise.all(["a", "b", "c"].map((name) => bed.access.createKey(name, { role: "viewer" })));
    expect((await Promise.all(keys.map(showKey))).map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(await codeOf(bed.access.createKey("b", { role: "admin" }))).toBe("EXISTS");
    expect(await codeOf(bed.access.removeKey("d"))).toBe("NOT_FOUND");
  });

  test.each<[what: string, make: () => Promise<unknown>]>([
    ["a name with a blank", () => bed.access.createKey("my key", { role: "viewer" })],
    ["no name", () => bed.access.createKey("", { role: "viewer" })],
    ["a name of another in the history", () => bed.access.createKey("api_key", { role: "viewer" })],
    ["a line break in its name", () => bed.access.createKey("ci\n", { role: "viewer" })],
    ["a role that is none", () => bed.access.createKey("ci", { role: "root" as "admin" })],
    ["a section with a line break", () => bed.access.createKey("ci", { role: "viewer", sections: ["a\nb"] })],
    ["too many sections", () => bed.access.createKey("ci", { role: "viewer", sections: Array(65).fill("a") })],
    ["an end in the past", () => bed.access.createKey("ci", { role: "viewer" }, Date.UTC(2026, 10, 20))],
    ["an end that is no time", () => bed.access.createKey("ci", { role: "viewer" }, Number.NaN)],
  ])("with %s is not made", async (_, make) => {
    expect(await codeOf(make())).toBe("VALUE_INVALID");
    expect(await bed.access.keys()).toEqual([]);
  });
});

describe("the key in the configuration", () => {
  const configured = "0123456789abcdef0123456789abcdef";

  test("is taken as it is now, and rules its app, but not who is known", async () => {
    let key: string | undefined = configured;
    const access = await bed.openAgain({ configuredKey: () => key });
    const grant = { role: "admin", apps: ["default"] };
    const who = { name: "api_key", kind: "key", grant, guarded: "api_key" };
    expect(await access.authenticate({ key: configured, address })).toEqual(who);
    expect(await access.authenticate({ token: configured, address })).toEqual(who);
    key = "another one, just as long as it";
    expect(await codeOf(access.authenticate({ key: configured, address }))).toBe("UNAUTHENTICATED");
    expect(await access.authenticate({ key, address })).toEqual(who);
    key = undefined;
    expect(await codeOf(access.authenticate({ key: configured, address }))).toBe("UNAUTHENTICATED");
  });

  test.each(["", " ", "short", "fifteen letters"])("that is %j is nobody's", async (key) => {
    const access = await bed.openAgain({ configuredKey: () => key });
    expect(await codeOf(access.authenticate({ key, address }))).toBe("UNAUTHENTICATED");
  });

  test("guards its section, for whoever is let in", async () => {
    const access = await bed.openAgain({ configuredKey: () => undefined, configuredSection: () => "security" });
    await access.createUser("ann", goodPassword, { role: "editor" });
    const { access: token } = await access.login({ user: "ann", password: goodPassword, address });
    const key = await access.createKey("ci", { role: "editor" });
    for (const shown of [{ token }, { key }]) {
      const principal = await access.authenticate({ ...shown, address });
      expect(isAllowed(principal, "write", { app: "default", section: "security" })).toBe(false);
      expect(isAllowed(principal, "write", { app: "default", section: "gitea" })).toBe(true);
    }
  });

  test("can be given less", async () => {
    const access = await bed.openAgain({ configuredKey: () => configured, configuredGrant: { role: "viewer" } });
    expect(await access.authenticate({ key: configured, address })).toMatchObject({ grant: { role: "viewer" } });
  });
});

describe("a user", () => {
  beforeEach(() => bed.access.createUser("ann", goodPassword, { role: "editor", sections: ["gitea"] }));

  test("is let in with the password, and then with the token", async () => {
    const { access, expiresIn } = await login();
    expect(expiresIn).toBe(900);
    const grant = { role: "editor", sections: ["gitea"] };
    expect(await show(access)).toEqual({ name: "ann", kind: "user", grant });
    expect(await bed.access.users()).toEqual([{ name: "ann", createdAt: Date.UTC(2026, 10, 21), ...grant }]);
    bed.pass(910_000);
    expect(await codeOf(show(access))).toBe("UNAUTHENTICATED");
  });

  test("is let in where the daemon was started anew", async () => {
    const { access, refresh } = await login();
    const other = await bed.openAgain();
    expect(await other.authenticate({ token: access, address })).toMatchObject({ name: "ann" });
    expect((await other.refresh(refresh, address)).expiresIn).toBe(900);
  });

  test.each<[what: string, change: () => Promise<void>, password: string | undefined]>([
    ["another password", () => bed.access.setPassword("ann", "another four words of it"), "another four words of it"],
    ["another grant", () => bed.access.setGrant("ann", { role: "viewer" }), goodPassword],
    ["removal", () => bed.access.removeUser("ann"), undefined],
  ])("loses every token by %s at once", async (_, change, password) => {
    const tokens = [await login(), await login()];
    await change();
    for (const { access, refresh } of tokens) {
      expect(await codeOf(show(access))).toBe("UNAUTHENTICATED");
      expect(await codeOf(bed.access.refresh(refresh, address))).toBe("UNAUTHENTICATED");
    }
    if (password === undefined) {
      // Somebody else of the same name is somebody else.
      await bed.access.createUser("ann", goodPassword, { role: "admin" });
      for (const { access } of tokens) expect(await codeOf(show(access))).toBe("UNAUTHENTICATED");
    } else await show((await login(password)).access);
  });

  test("loses with another grant what the first one was narrowed to", async () => {
    await bed.access.setGrant("ann", { role: "viewer" });
    expect(await show((await login()).access)).toMatchObject({ grant: { role: "viewer" } });
    expect((await bed.access.users())[0]).not.toHaveProperty("sections");
  });

  test("who is changed while the password is compared is not let in with the old one", async () => {
    for (const change of [() => bed.access.setGrant("ann", { role: "viewer" }), () => bed.access.removeUser("ann")]) {
      const running = login();
      await change();
      expect(await codeOf(running)).toBe("UNAUTHENTICATED");
    }
  });

  test("of another generation is another one, also where a login of the same number is there", async () => {
    const { access } = await login();
    const text = readFileSync(bed.file, "utf8");
    writeFileSync(bed.file, text.replace(/("generation": ")\w+/, `$1${"0".repeat(16)}`));
    expect(await codeOf(show(access))).toBe("UNAUTHENTICATED");
    writeFileSync(bed.file, text);
    await show(access);
  });

  test("is there once; what is not there cannot be changed", async () => {
    expect(await codeOf(bed.access.createUser("ann", goodPassword, { role: "admin" }))).toBe("EXISTS");
    expect(await codeOf(bed.access.setPassword("bob", goodPassword))).toBe("NOT_FOUND");
    expect(await codeOf(bed.access.setGrant("bob", { role: "admin" }))).toBe("NOT_FOUND");
    expect(await codeOf(bed.access.removeUser("bob"))).toBe("NOT_FOUND");
    expect(await codeOf(bed.access.setPassword("ann", "short"))).toBe("VALUE_INVALID");
  });

  test("gets a costlier hash with the next login, and goes on with the same password", async () => {
    const strict = await bed.openAgain({ cost: { N: 128, r: 8, p: 1 } });
    const before = readFileSync(bed.file, "utf8");
    const { access } = await strict.login({ user: "ann", password: goodPassword, address });
    const after = readFileSync(bed.file, "utf8");
    expect([before.includes('"N": 64'), after.includes('"N": 128')]).toEqual([true, true]);
    await show(access);
    await login();
  });
});

describe("a refresh token", () => {
  beforeEach(() => bed.access.createUser("ann", goodPassword, { role: "viewer" }));

  test("is good once, for new tokens of the same login", async () => {
    const first = await login();
    const second = await bed.access.refresh(first.refresh, address);
    expect(second.refresh).not.toBe(first.refresh);
    await show(second.access);
    await show(first.access);
    await bed.access.refresh(second.refresh, address);
  });

  test("that is shown again ends its login with all tokens, and no other login", async () => {
    const [stolen, other] = [await login(), await login()];
    const next = await bed.access.refresh(stolen.refresh, address);
    expect(await codeOf(bed.access.refresh(stolen.refresh, address))).toBe("UNAUTHENTICATED");
    expect(await codeOf(bed.access.refresh(next.refresh, address))).toBe("UNAUTHENTICATED");
    for (const { access } of [stolen, next]) expect(await codeOf(show(access))).toBe("UNAUTHENTICATED");
    await show(other.access);
    await bed.access.refresh(other.refresh, address);
  });

  test("that two show at once lets one in, and then nobody", async () => {
    const { refresh } = await login();
    const other = await bed.openAgain();
    const answers = await Promise.allSettled([bed.access.refresh(refresh, address), other.refresh(refresh, address)]);
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const winner = answers.find(({ status }) => status === "fulfilled") as PromiseFulfilledResult<{ refresh: string }>;
    expect(await codeOf(bed.access.refresh(winner.value.refresh, address))).toBe("UNAUTHENTICATED");
  });

  test("is good for thirty days after the last one", async () => {
    let { refresh } = await login();
    for (let round = 0; round < 3; round++) {
      bed.pass(29 * day);
      refresh = (await bed.access.refresh(refresh, address)).refresh;
    }
    bed.pass(30 * day);
    expect(await codeOf(bed.access.refresh(refresh, address))).toBe("UNAUTHENTICATED");
  });

  test("is no key and no token to come in with", async () => {
    const { refresh } = await login();
    expect(await codeOf(show(refresh))).toBe("UNAUTHENTICATED");
    expect(await codeOf(showKey(refresh))).toBe("UNAUTHENTICATED");
  });

  test("of the oldest of many logins is ended, and the file does not grow", async () => {
    const logins = [];
    for (let round = 0; round < 20; round++) logins.push(await login());
    const kept = await Promise.all(logins.map(({ access }) => show(access).then(...always)));
    expect(kept).toEqual([...Array(4).fill(false), ...Array(16).fill(true)]);
  });
});

const always = [() => true, () => false] as const;

describe("logging out", () => {
  beforeEach(() => bed.access.createUser("ann", goodPassword, { role: "viewer" }));

  test.each(["access", "refresh"] as const)("with the %s token ends that login alone", async (kind) => {
    const [ended, other] = [await login(), await login()];
    await bed.access.logout(ended[kind]);
    expect(await codeOf(show(ended.access))).toBe("UNAUTHENTICATED");
    expect(await codeOf(bed.access.refresh(ended.refresh, address))).toBe("UNAUTHENTICATED");
    await show(other.access);
  });

  test.each(["", "x", "a.b.c", `csr_${"0".repeat(32)}_${"A".repeat(43)}`])("with %j does nothing", async (token) => {
    await bed.access.logout(token);
  });
});

describe("who is not known", () => {
  const key = `csk_00000000_${"A".repeat(43)}`;

  test("hears the same words whatever is wrong", async () => {
    const made = await bed.access.createKey("ci", { role: "viewer" }, Date.UTC(2026, 10, 22));
    await bed.access.createUser("ann", goodPassword, { role: "viewer" });
    const { access: over } = await login();
    bed.pass(2 * day);
    const wrong = `${made.slice(0, -1)}${made.endsWith("A") ? "B" : "A"}`;
    const shown = [
      {},
      { key: "" },
      { key },
      { key: made },
      { key: wrong },
      { token: over },
      { token: "a.b.c" },
      { token: "x" },
    ];
    const said = await Promise.all(
      shown.map(async (one) => JSON.stringify(await thrownBy(bed.access.authenticate({ ...one, address })))),
    );
    const refreshed = await thrownBy(bed.access.refresh("x", address));
    expect(new Set([...said, JSON.stringify(refreshed)]).size).toBe(1);
  });

  test("hears the same words for an unknown name and a wrong password", async () => {
    await bed.access.createUser("ann", goodPassword, { role: "viewer" });
    const said = await Promise.all(
      [login("wrong"), login("wrong", "bob"), login("wrong", "no name at all\n"), login("x".repeat(1_000_000))].map(
        async (one) => JSON.stringify(await thrownBy(one)),
      ),
    );
    expect(new Set(said).size).toBe(1);
  });

  test("is slowed down by address, while what is right is let in from the same address", async () => {
    const good = await bed.access.createKey("ci", { role: "viewer" });
    for (let round = 0; round < 20; round++) expect(await codeOf(showKey(key))).toBe("UNAUTHENTICATED");
    const error = await thrownBy(showKey(key));
    expect(error).toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfter: 1, retryable: true });
    expect(error.toJSON()).toMatchObject({ retryAfter: 1 });
    await showKey(good);
    expect(await codeOf(bed.access.authenticate({ key, address: "198.51.100.1" }))).toBe("UNAUTHENTICATED");
    bed.pass(1000);
    expect(await codeOf(showKey(key))).toBe("UNAUTHENTICATED");
    expect(await thrownBy(showKey(key))).toMatchObject({ retryAfter: 2 });
  });

  test("a token that is over is told so also while a stranger at the same address is slowed down", async () => {
    await bed.access.createUser("ann", goodPassword, { role: "viewer" });
    const { access } = await login();
    bed.pass(day);
    for (let round = 0; round < 30; round++) await codeOf(showKey(key));
    expect(await codeOf(showKey(key))).toBe("TOO_MANY_REQUESTS");
    for (let round = 0; round < 30; round++) expect(await codeOf(show(access))).toBe("UNAUTHENTICATED");
  });
});

describe("guessing passwords", () => {
  beforeEach(() => bed.access.createUser("ann", goodPassword, { role: "viewer" }));

  test("takes longer with each try, for a name that is there as for one that is not", async () => {
    for (const user of ["ann", "bob"]) {
      const from = (round: number) => `198.51.100.${round}`;
      for (let round = 0; round < 5; round++)
        expect(await codeOf(login("wrong", user, from(round)))).toBe("UNAUTHENTICATED");
      expect(await thrownBy(login("wrong", user, from(9)))).toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfter: 1 });
    }
    expect(await codeOf(login())).toBe("TOO_MANY_REQUESTS");
    bed.pass(60_000);
    await login();
    for (let round = 0; round < 5; round++) expect(await codeOf(login("wrong"))).toBe("UNAUTHENTICATED");
  });

  test("a thousand at the same moment are not more than a few", async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, () => codeOf(login("wrong"))));
    expect(answers.filter((code) => code === "UNAUTHENTICATED")).toHaveLength(5);
  });

  test("of many names from one address ends soon, and a login of one's own does not wash it away", async () => {
    let tries = 0;
    for (let round = 0; round < 100; round++) {
      if (round % 4 === 0) await login().catch(() => undefined);
      if ((await codeOf(login("wrong", `user${round}`))) === "UNAUTHENTICATED") tries++;
    }
    expect(tries).toBe(20);
    await bed.access.login({ user: "ann", password: goodPassword, address: "198.51.100.1" });
  });

  test("ten thousand names and addresses cost no memory to speak of", async () => {
    const begin = heapInUse();
    for (let round = 0; round < 10_000; round++) {
      const from = `2001:db8:${(round >> 8).toString(16)}:${(round & 255).toString(16)}::1`;
      expect(addressName(from)).toMatch(/::\/64$/);
      const hostile = `u${round}${"x".repeat(50_000)}`;
      expect(await codeOf(login("wrong", round % 2 === 0 ? `u${round}` : hostile, from))).toMatch(/UNAUTH|TOO_MANY/);
    }
    expect(heapInUse() - begin).toBeLessThan(16 * 1024 * 1024);
  });
});
