import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { commitCount, configOf, grow, plainGit, useGitHistories } from "../../support/git-history.ts";

const histories = useGitHistories();
const servers: { close: () => unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function bareRemote(): string {
  const remote = join(histories.newFolder(), "remote.git");
  plainGit("/", "init", "--quiet", "--bare", "-b", "main", remote);
  return remote;
}

/** What it says in the arguments and environment of the processes that this one started. */
function childrensArguments(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })
    .join("\n");
}

describe("a history that is pushed", () => {
  it("arrives at a remote after each burst, commit by commit", async () => {
    const folder = join(histories.newFolder(), "history");
    const url = bareRemote();
    const history = await histories.open({ folder, push: { url, branch: "config" } });
    await grow(history, 3);
    await expect.poll(() => plainGit(url, "for-each-ref", "refs/heads/config")).not.toBe("");
    expect(plainGit(url, "log", "--format=%s", "config").split("\n")).toHaveLength(3);
    await grow(history, 1);
    await expect.poll(() => plainGit(url, "rev-parse", "config")).toBe(plainGit(folder, "rev-parse", "main"));
    expect(history.trouble?.()).toBeUndefined();
  });

  it("waits for a remote that is away, stops no change, and catches up", { timeout: 30_000 }, async () => {
    const folder = join(histories.newFolder(), "history");
    const url = join(histories.newFolder(), "later.git");
    const told: string[] = [];
    const history = await histories.open({
      folder,
      push: { url, branch: "main" },
      tell: (message) => told.push(message),
    });
    await grow(history, 2);
    await expect.poll(() => history.trouble?.()).toContain(`cannot be pushed to ${url}`);
    await grow(history, 2);
    expect(await configOf(history, 4)).toBe("value = 4\n");
    plainGit("/", "init", "--quiet", "--bare", "-b", "main", url);
    await expect.poll(() => commitCount(url), { timeout: 15_000 }).toBe(4);
    await expect.poll(() => history.trouble?.()).toBeUndefined();
    expect(told).toHaveLength(2);
    expect(told[1]).toContain("works again");
  });

  it("never overwrites what somebody else put there, and says so", async () => {
    const folder = join(histories.newFolder(), "history");
    const url = bareRemote();
    const clone = join(histories.newFolder(), "clone");
    plainGit("/", "clone", "--quiet", url, clone);
    writeFileSync(join(clone, "README"), "theirs\n");
    plainGit(clone, "add", ".");
    plainGit(clone, "commit", "--quiet", "-m", "theirs");
    plainGit(clone, "push", "--quiet", "origin", "HEAD:main");
    const history = await histories.open({ folder, push: { url, branch: "main" } });
    await grow(history, 1);
    await expect.poll(() => history.trouble?.()).toContain("push to another branch");
    expect(plainGit(url, "log", "--format=%s", "main")).toBe("theirs");
    expect(commitCount(folder)).toBe(1);
  });

  it("gives user and password to the server it is for, and shows them nowhere", async () => {
    const seen: (string | undefined)[] = [];
    let shown = "";
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      shown += childrensArguments();
      const isKnown = request.headers.authorization !== undefined;
      response.writeHead(isKnown ? 403 : 401, { "www-authenticate": 'Basic realm="git"' }).end("no");
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const password = "p@ss:w%rd $(id) '\"";
    const url = `http://al%40ice:${encodeURIComponent(password)}@127.0.0.1:${port}/owner/config.git`;
    const told: string[] = [];
    const folder = join(histories.newFolder(), "history");
    const history = await histories.open({
      folder,
      push: { url, branch: "main" },
      tell: (message) => told.push(message),
    });
    await grow(history, 1);
    await expect.poll(() => history.trouble?.()).toContain(`127.0.0.1:${port}/owner/config.git`);
    await expect.poll(() => seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(`Basic ${Buffer.from(`al@ice:${password}`).toString("base64")}`);
    const said = [...told, history.trouble?.() ?? "", shown, plainGit(folder, "config", "--list")].join("\n");
    expect(said).toContain("git-remote-http");
    for (const secret of [password, encodeURIComponent(password), "p@ss"]) expect(said).not.toContain(secret);
  });

  it("gives them to no other server that it is sent to", async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("no");
    }).listen(0, "127.0.0.1");
    servers.push(other);
    await once(other, "listening");
    const { port: otherPort } = other.address() as AddressInfo;
    const server = createServer((request, response) => {
      response.writeHead(302, { location: `http://localhost:${otherPort}${request.url}` }).end();
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const folder = join(histories.newFolder(), "history");
    const url = `http://alice:hunter22@127.0.0.1:${port}/config.git`;
    const history = await histories.open({ folder, push: { url, branch: "main" } });
    await grow(history, 1);
    await expect.poll(() => history.trouble?.()).toContain("cannot be pushed");
    expect(seen.filter((header) => header !== undefined)).toEqual([]);
  });

  it("ends with the history also while a server does not answer", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    servers.push({ close: () => server.closeAllConnections() }, server);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const folder = join(histories.newFolder(), "history");
    const history = await histories.open({ folder, push: { url: `http://127.0.0.1:${port}/x.git`, branch: "main" } });
    const asked = once(server, "request");
    await grow(history, 1);
    await asked;
    const begin = performance.now();
    await history.close();
    expect(performance.now() - begin).toBeLessThan(1900);
  });
});
