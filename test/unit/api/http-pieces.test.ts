import type { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventLog } from "../../../src/api/http/event-log.ts";
import { createHostCheck } from "../../../src/api/http/known-hosts.ts";
import { createMetrics } from "../../../src/api/http/metrics.ts";
import { toProblem } from "../../../src/api/http/problem.ts";
import { createRateLimit } from "../../../src/api/http/rate-limit.ts";
import { createRecent } from "../../../src/api/http/recent.ts";
import { seenEvent, sightOf } from "../../../src/api/http/sight.ts";
import { outcomeOf, servicesUsing } from "../../../src/api/http/wait-healthy.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";
import type { ServiceStatus, StatusReport } from "../../../src/sync/status.ts";
import { grants, services, type Who } from "./http-bed.ts";

const mended = (text: string): SyncEvent => ({ type: "mended", text });

describe("the log of events", () => {
  test("gives everybody what came after the last one that he saw, or says that some is missing", () => {
    const steps = fc.array(fc.constantFrom("event", "read"), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 10 }), (script, kept) => {
        const log = createEventLog({ events: kept, bytes: 1e6 });
        let told = 0;
        let seen = 0;
        let id = log.lastId();
        for (const step of script) {
          if (step === "event") log.add(mended(`${++told}`));
          else {
            const { events, gap } = log.since(id);
            const missed = told - seen;
            const oldest = told - Math.min(missed, kept) + 1;
            const wanted = Array.from({ length: Math.min(missed, kept) }, (_, index) => mended(`${oldest + index}`));
            expect(gap).toBe(missed > kept);
            expect(events.map(({ event }) => event)).toEqual(wanted);
            id = events.at(-1)?.id ?? id;
            seen = told;
          }
        }
      }),
    );
  });

  test.each(["", "x", "-1", "other-1", "%START-999", "%START-", "%START--1", "%START-1e9"])(
    "takes the id %j for one that it does not know",
    (given) => {
      const log = createEventLog({ events: 2, bytes: 1e6 });
      log.add(mended("1"));
      const start = log.lastId().split("-")[0] ?? "";
      expect(log.since(given.replace("%START", start))).toMatchObject({ gap: true, events: [{}] });
    },
  );

  test("keeps no more bytes than it may", () => {
    const log = createEventLog({ events: 1000, bytes: 500 });
    for (let number = 0; number < 100; number++) log.add(mended("x".repeat(90)));
    const { events } = log.since("other-1");
    expect(events.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(500);
    log.add(mended("x".repeat(1000)));
    expect(log.since("other-1").events).toEqual([]);
  });
});

describe("who showed the same a moment ago", () => {
  const someone = { name: "viewer", kind: "key", grant: grants.viewer } as const;
  const shown = { key: "a key", address: "::1" };
  const socket = {} as Socket;

  test("is known on the same connection, by exactly the same, for a moment, and until somebody is logged out", () => {
    let now = 0;
    const recent = createRecent(() => now);
    recent.remember(socket, shown, someone);
    now = 100;
    expect(recent.find(socket, shown)).toBe(someone);
    expect(recent.find({} as Socket, shown)).toBeUndefined();
    expect(recent.find(socket, { ...shown, key: "a kez" })).toBeUndefined();
    expect(recent.find(socket, { ...shown, key: "a key " })).toBeUndefined();
    expect(recent.find(socket, { token: "a key", address: "::1" })).toBeUndefined();
    expect(recent.find(socket, { address: "::1" })).toBeUndefined();
    now = 101;
    expect(recent.find(socket, shown)).toBeUndefined();
    recent.remember(socket, shown, someone);
    recent.forget();
    expect(recent.find(socket, shown)).toBeUndefined();
  });
});

describe("the limit of requests", () => {
  test("lets through no more than the rate and one burst, whatever the times", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 50 }), (script, rate) => {
        let now = 1000;
        const limit = createRateLimit(rate, () => now);
        let passed = 0;
        for (const gap of script) {
          now += gap;
          if (limit("10.0.0.1") === 0) passed++;
        }
        expect(passed).toBeLessThanOrEqual(rate * 2 + ((now - 1000) / 1000) * rate + 1);
      }),
    );
  });

  test("takes the next request after the time that it names", () => {
    let now = 0;
    const limit = createRateLimit(10, () => now);
    while (limit("::1") === 0);
    now += limit("::1") * 1000 + 1;
    expect(limit("::1")).toBe(0);
  });

  test("knows addresses apart, and takes a network of IPv6 for one", () => {
    const limit = createRateLimit(1, () => 0);
    const tries = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:1::", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"];
    expect(tries.map((address) => limit(address) > 0)).toEqual([false, false, true, false, false, false]);
  });
});

describe("the Host header", () => {
  const requireKnownHost = createHostCheck(["console.example.com"]);

  test.each(["localhost", "localhost:7373", "127.0.0.1:7373", "[::1]:7373", "LOCALHOST", "Console.Example.com"])(
    "%s is right on loopback",
    (host) => expect(() => requireKnownHost(host, "127.0.0.1")).not.toThrow(),
  );

  test.each([
    "evil.example.com",
    "evil.example.com:7373",
    "localhost.evil.example.com",
    "127.0.0.1.nip.io",
    "",
    undefined,
  ])("%s is wrong on loopback", (host) => {
    requireKnownHost("localhost", "127.0.0.1");
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"])
      expect(() => requireKnownHost(host, address)).toThrow("no name of this server");
  });

  test("is not asked for elsewhere", () => {
    expect(() => requireKnownHost("evil.example.com", "192.0.2.1")).not.toThrow();
  });
});

describe("figures", () => {
  const report: StatusReport = {
    daemon: { pid: 1, since: 5000, version: "1" },
    revision: null,
    problems: [],
    services: [service('gi"te\\a\n', "healthy")],
  };

  test("are in the text format, each family once, labels escaped, buckets that grow", () => {
    const metrics = createMetrics();
    for (const took of [0.2, 3, 70_000])
      metrics.note({ type: "answered", method: "GET", route: "/a", status: 200, took, who: undefined, address: "x" });
    metrics.noteEvent({ type: "service", service: "gitea", step: "healthy", text: "" });
    const text = metrics.write(report, { streams: 2, sockets: 3, version: "1.0.0" });
    const line =
      /^(# (HELP|TYPE) config_sync_\w+ .+|config_sync_\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)+\})? -?\d+(\.\d+)?(e-?\d+)?)$/;
    expect(text.split("\n").filter((one) => !line.test(one))).toEqual([""]);
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(types).toEqual([...new Set(types)]);
    const buckets = [...text.matchAll(/_bucket\{.*le="([^"]+)"\} (\d+)/g)].map(([, le, count]) => [le, Number(count)]);
    expect(buckets[0]).toEqual(["0.001", 1]);
    expect(buckets.at(-1)).toEqual(["+Inf", 3]);
    expect(buckets.map(([, count]) => count)).toEqual(buckets.map(([, count]) => count).toSorted());
    expect(text).toContain('config_sync_http_requests_total{method="GET",route="/a",status="200"} 3\n');
    expect(text).toContain('config_sync_service_state{service="gi\\"te\\\\a\\n",state="healthy"} 1\n');
  });
});

describe("what services a change concerns", () => {
  test.each([
    ["gitea.http_port", ["gitea", "proxy", "walker"]],
    ["gitea.user_pwd", ["gitea", "walker"]],
    ["gitea_old.http_port", ["walker"]],
    ["web.port", ["proxy", "walker"]],
  ])("%s: %j", (key, names) => {
    const known = Object.entries(services).map(([name, uses]) => ({ name, uses }));
    expect(servicesUsing([{ key }], [...known, { name: "walker", uses: undefined }])).toEqual(names);
  });

  test.each([
    [[], "healthy"],
    [["healthy", "absent"], "healthy"],
    [["healthy", "refused"], "refused"],
    [["refused", "rolled-back"], "rolled-back"],
    [["rolled-back", "waiting"], "unfinished"],
    [["rolling-back"], "unfinished"],
  ] as const)("%j is %s", (states, outcome) => {
    expect(outcomeOf(states.map((state) => service(state, state)))).toBe(outcome);
  });

  test("a file that somebody changed is the end only where it is left so", () => {
    expect(outcomeOf([{ ...service("a", "drifted"), live: 1, desired: 1 }])).toBe("healthy");
    expect(outcomeOf([{ ...service("a", "drifted"), live: 1, desired: 2 }])).toBe("unfinished");
  });
});

describe("events for one who sees a section only", () => {
  const uses = () => Object.entries(services).map(([name, used]) => ({ name, uses: used }));
  const see = (event: SyncEvent, who: Who = "narrow-viewer") =>
    seenEvent(event, sightOf({ name: who, kind: "key", grant: grants[who] }, "default", uses));

  test("hold the changes of that section, and services that are made of nothing else", () => {
    const change = (key: string) => ({ key, kind: "added" as const, after: "1", place: "config.ini:1:1" });
    const revision = { number: 1, hash: "", at: 0 };
    const event: SyncEvent = { type: "revision", revision, changes: [change("web.port"), change("gitea.http_port")] };
    expect(see(event)).toEqual({ ...event, changes: [change("web.port")] });
    expect(see(event, "viewer")).toBe(event);
    expect(see({ type: "service", service: "proxy", step: "refused", text: "gitea.http_port" })).toBeUndefined();
    expect(see(mended("somewhere"))).toBeUndefined();
  });

  test("do not say what is wrong elsewhere", () => {
    const problem = { code: "SOURCE_INVALID", message: "[gitea] stands twice", line: 3, text: "[gitea] stands twice" };
    expect(JSON.stringify(see({ type: "input-refused", problems: [problem] }))).not.toContain("gitea");
  });
});

describe("a fault", () => {
  test.each([new Error("secret words"), "secret words", undefined, Object.assign(new Error("x"), { statusCode: 200 })])(
    "of ours is told without its words",
    (thrown) => {
      expect(toProblem(thrown)).toMatchObject({ status: 500, code: "INTERNAL" });
      expect(JSON.stringify(toProblem(thrown))).not.toContain("secret words");
    },
  );
});

function service(name: string, state: ServiceStatus["state"]): ServiceStatus {
  return { name, state, desired: 1, live: 1, drift: false, lastReload: null, retryAt: null, trouble: null };
}
