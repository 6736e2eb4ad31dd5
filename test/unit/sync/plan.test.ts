import { describe, expect, test } from "vitest";
import { loadFormat } from "../../../src/formats/index.ts";
import type { RenderedOutput, RenderedService } from "../../../src/services/render.ts";
import { chooseReload, planService } from "../../../src/sync/plan.ts";
import { emptyRecord, type ServiceRecord } from "../../../src/sync/record.ts";

const format = await loadFormat("env:compose");
const digest = (text: string): string => `<${text}>`;

const signal = { kind: "command", spec: { argv: ["signal"] }, shown: "signal" };
const restart = { kind: "command", spec: { argv: ["restart"] }, shown: "restart" };

function serviceOf(output: Partial<RenderedOutput> = {}): RenderedService {
  const text = output.text ?? "PORT=80\n";
  return {
    name: "web",
    dependsOn: [],
    outputs: [
      {
        path: "/out/.env",
        shownPath: "out/.env",
        format,
        text,
        maskedText: text,
        secretFields: new Set(),
        merge: false,
        inPlace: false,
        mode: undefined,
        owner: undefined,
        check: undefined,
        requires: [],
        drift: "repair",
        origins: new Map(),
        used: ["web.port", "web.name"],
        ...output,
      },
    ],
    reload: [
      { when: ["web.name"], action: signal },
      { when: undefined, action: restart },
    ],
    probes: [],
    backoff: { initial: 1, factor: 1, max: 1, give_up: 1 },
    onFailure: "rollback",
    reloadEvery: 0,
    used: ["web.port", "web.name"],
    fingerprint: `print of ${text}`,
  };
}

const keys = { "web.port": "<80>", "web.name": "<shop>" };

function planWith(
  found: string | undefined,
  record: Partial<ServiceRecord> = {},
  service = serviceOf(),
  forced = false,
) {
  const observed = service.outputs.map((output) => ({
    output,
    current: found === undefined ? undefined : { bytes: Buffer.from(found), mode: 0o644, uid: 0, gid: 0 },
    lacks: undefined,
  }));
  return planService({ service, keys, form: "f", observed, record: { ...emptyRecord, ...record }, digest, forced });
}

/** The record of a service that is healthy on what `planWith` wants. */
function healthyRecord(): ServiceRecord {
  const { digest: wanted, keys } = planWith("PORT=80\n");
  const mark = { revision: 1, digest: wanted, at: 0 };
  return { ...emptyRecord, desired: mark, written: mark, loaded: mark, healthy: mark, keys, form: "f" };
}

describe("planService", () => {
  test("the first time everything is written and reloaded by the most thorough rule", () => {
    const plan = planWith(undefined);
    expect(plan).toMatchObject({ verdict: "apply", why: "first time", reload: restart, drifted: [] });
    expect(plan.outputs).toMatchObject([{ action: "create", text: "PORT=80\n" }]);
  });

  test("a file that is right is not a service that has loaded it", () => {
    expect(planWith("PORT=80\n")).toMatchObject({ verdict: "apply", reload: restart, outputs: [{ action: "keep" }] });
  });

  test("what is healthy on what is wanted has nothing to do", () => {
    expect(planWith("PORT=80\n", healthyRecord())).toMatchObject({ verdict: "current", reload: undefined });
  });

  test("written but not loaded is reloaded; loaded but not healthy is only asked", () => {
    const record = healthyRecord();
    const written = planWith("PORT=80\n", { ...record, loaded: undefined, healthy: undefined });
    expect(written).toMatchObject({ verdict: "apply", reload: restart });
    const loaded = planWith("PORT=80\n", { ...record, healthy: undefined });
    expect(loaded).toMatchObject({ verdict: "apply", reload: undefined });
  });

  test("the changed key decides which reload suffices, and is named", () => {
    const record = healthyRecord();
    const old = { revision: 1, digest: "old", at: 0 };
    const before = { ...record, written: old, loaded: old, healthy: old };
    const renamed = planWith("x", { ...before, keys: { ...record.keys, "web.name": "other" } });
    expect(renamed).toMatchObject({ reload: signal, why: "web.name changed" });
    const moved = planWith("x", { ...before, keys: { "web.port": "other", "web.name": "other" } });
    expect(moved).toMatchObject({ reload: restart, why: "web.port, web.name changed" });
  });

  test("with another template or other names, no key says which reload suffices", () => {
    const record = healthyRecord();
    const old = { revision: 1, digest: "old", at: 0 };
    const before = {
      ...record,
      written: old,
      loaded: old,
      healthy: old,
      keys: { ...record.keys, "web.name": "other" },
    };
    expect(planWith("x", before).reload).toBe(signal);
    expect(planWith("x", { ...before, form: "another" }).reload).toBe(restart);
  });

  test("somebody else's change to the file is drift, and costs the most thorough reload", () => {
    expect(planWith("PORT=81\n", healthyRecord())).toMatchObject({
      verdict: "apply",
      drifted: [{ action: "update" }],
      reload: restart,
    });
    expect(planWith(undefined, healthyRecord())).toMatchObject({
      drifted: [{ action: "create" }],
      outputs: [{ action: "create" }],
    });
  });

  test("foreign keys and comments are no drift where we merge", () => {
    const service = serviceOf({ merge: true });
    const plan = planWith("# theirs\nOTHER=1\nPORT=80\n", healthyRecord(), service);
    expect(plan).toMatchObject({ verdict: "current", outputs: [{ action: "keep" }] });
  });

  test("a key is ours when we wrote it, and goes when it is no longer rendered", () => {
    const first = planWith("OTHER=1\nSAME=2\n", {}, serviceOf({ merge: true, text: "PORT=80\nSAME=2\n" }));
    expect(first.outputs[0]).toMatchObject({ text: "OTHER=1\nSAME=2\nPORT=80\n", owned: ["PORT"] });
    const owned = { "/out/.env": ["PORT", "SAME"] };
    const later = planWith("OTHER=1\nSAME=2\nPORT=80\n", { owned }, serviceOf({ merge: true, text: "NEW=3\n" }));
    expect(later.outputs[0]).toMatchObject({ text: "OTHER=1\nNEW=3\n", owned: ["NEW"] });
  });

  test("an output whose last key went is done with: the look after it finds nothing to do", () => {
    const [output] = serviceOf().outputs;
    const [gone] = serviceOf({ merge: true, text: "", path: "/out/gone" }).outputs;
    const service = { ...serviceOf(), outputs: [output, gone].flatMap((one) => one ?? []) };
    const planBoth = (found: string, record: Partial<ServiceRecord>) =>
      planService({
        service,
        keys,
        form: "f",
        observed: service.outputs.map((output, index) => ({
          output,
          current: { bytes: Buffer.from(index === 0 ? "PORT=80\n" : found), mode: 0o644, uid: 0, gid: 0 },
          lacks: undefined,
        })),
        record: { ...emptyRecord, ...record },
        digest,
      });
    const first = planBoth("PORT=80\n", { ...healthyRecord(), owned: { "/out/gone": ["PORT"] } });
    expect(first.outputs[1]).toMatchObject({ action: "update", text: "", owned: [] });
    const mark = { revision: 2, digest: first.digest, at: 0 };
    const second = planBoth("", { desired: mark, written: mark, loaded: mark, healthy: mark, keys });
    expect(second.verdict).toBe("current");
  });

  test("where nobody knows what was loaded last, the reload that was needed for it is needed again", () => {
    const undo = { files: [], wasRunning: true, rule: 1, owned: {}, keys: {}, form: undefined };
    const record = { ...healthyRecord(), keys: { ...keys, "web.name": "<old>" }, undo };
    const written = { revision: 2, digest: "<other>", at: 0 };
    expect(planWith("PORT=79\n", { ...record, written }).reload).toBe(restart);
    expect(planWith("PORT=79\n", { ...record, written, loaded: written }).reload).toBe(signal);
  });

  test("what failed is held back until something else is wanted, or somebody asks", () => {
    const quarantine = { fingerprint: "print of PORT=80\n", revision: 4, refused: false, reason: "503", at: 0 };
    const held = planWith("PORT=79\n", { quarantine });
    expect(held).toMatchObject({ verdict: "quarantined", reload: undefined, why: "revision 4 failed: 503" });
    expect(planWith("PORT=79\n", { quarantine }, serviceOf({ text: "PORT=81\n" })).verdict).toBe("apply");
    expect(planWith("PORT=79\n", { quarantine }, serviceOf(), true)).toMatchObject({
      verdict: "apply",
      reload: restart,
    });
  });

  test("a way back that was cut off is gone to its end", () => {
    const quarantine = { fingerprint: "print of PORT=80\n", revision: 4, refused: false, reason: "503", at: 0 };
    const undo = { files: [], wasRunning: true, rule: 1, owned: {}, keys: {}, form: undefined };
    expect(planWith("PORT=80\n", { quarantine, undo }).verdict).toBe("rollback");
  });

  test("as long as every output waits for a file of the service, there is nothing to do, not even when asked", () => {
    const service = serviceOf();
    const observed = service.outputs.map((output) => ({ output, current: undefined, lacks: "/data/app.ini" }));
    const inputs = { service, keys, form: "f", observed, record: emptyRecord, digest };
    expect(planService(inputs)).toMatchObject({ verdict: "absent", reload: undefined, why: "waits for /data/app.ini" });
    expect(planService({ ...inputs, forced: true })).toMatchObject({ verdict: "absent", reload: undefined });
  });

  test("no file is made, and nobody reloaded, for a service that nothing is configured for", () => {
    const service = serviceOf({ merge: true, text: "# nothing set\n" });
    expect(planWith(undefined, {}, service)).toMatchObject({ verdict: "absent", why: "waits for a value to write" });
    expect(planWith("A=1\n", {}, service).verdict).toBe("absent");
    const owned = { "/out/.env": ["PORT"] };
    expect(planWith("A=1\nPORT=80\n", { owned }, service).outputs[0]).toMatchObject({
      action: "update",
      text: "A=1\n",
    });
  });

  test("mode and owner count where the manifest names them", () => {
    const record = healthyRecord();
    expect(planWith("PORT=80\n", record, serviceOf({ mode: 0o640 })).outputs[0]?.action).toBe("update");
    expect(planWith("PORT=80\n", record, serviceOf({ mode: 0o644 })).outputs[0]?.action).toBe("keep");
    expect(planWith("PORT=80\n", record, serviceOf({ owner: { uid: 1, gid: 0 } })).outputs[0]?.action).toBe("update");
  });

  test("a file that is no text is not merged into", () => {
    const service = serviceOf({ merge: true });
    const observed = service.outputs.map((output) => ({
      output,
      current: { bytes: Buffer.from([0xff, 0xfe, 0x00]), mode: 0, uid: 0, gid: 0 },
      lacks: undefined,
    }));
    const plan = () => planService({ service, keys: {}, form: "f", observed, record: emptyRecord, digest });
    expect(plan).toThrow(expect.objectContaining({ code: "PARSE_FAILED", place: { file: "out/.env" } }));
  });
});

describe("chooseReload", () => {
  const rules = serviceOf().reload;

  test.each([
    [["web.name"], signal],
    [["web.port"], restart],
    [["web.name", "web.port"], restart],
    [undefined, restart],
  ])("%j", (keys, expected) => {
    expect(chooseReload(rules, keys)).toBe(expected);
  });

  test("a key that no rule is about needs no reload", () => {
    expect(chooseReload(rules.slice(0, 1), ["web.port"])).toBeUndefined();
    expect(chooseReload([], ["web.port"])).toBeUndefined();
  });
});
