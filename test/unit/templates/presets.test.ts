import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatPath } from "../../../src/config/path.ts";
import { ConfigSyncError } from "../../../src/errors.ts";
import { loadServices, type Service } from "../../../src/services/catalog.ts";
import { findPathConflicts, type Inputs, type RenderedService, renderService } from "../../../src/services/render.ts";
import { readPreset, readValues, templates } from "./preset.ts";

const golden = join(import.meta.dirname, "golden");

it("every service in templates/ loads, and writes no value unquoted", async () => {
  const entries = await readdir(templates, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== "presets").map(({ name }) => name);
  const services = await loadServices(templates, names);
  expect(services.length).toBeGreaterThanOrEqual(9);
  expect(services.flatMap(({ warnings }) => warnings)).toEqual([]);
  expect(services.filter(({ manifest }) => manifest.description === "")).toEqual([]);
});

describe.each(["minimal", "websoft9"])("the preset %s", (name) => {
  it("renders what it should", async () => {
    const preset = await readPreset(name);
    const rendered = renderAll(
      await loadServices(templates, preset.services),
      preset.inputs(await readValues(preset.config)),
    );
    expect(findPathConflicts(rendered)).toEqual([]);
    for (const service of rendered)
      await expect(show(service)).toMatchFileSnapshot(join(golden, name, `${service.name}.txt`));
  });

  it("renders every key that its config.ini offers in a comment", async () => {
    const preset = await readPreset(name);
    const services = await loadServices(templates, withApp(name, preset.services));
    const rendered = renderAll(services, preset.inputs(await readValues(preset.full)));
    for (const service of rendered) {
      await expect(show(service)).toMatchFileSnapshot(join(golden, name, "full", `${service.name}.txt`));
    }
  });

  it("shows no secret", async () => {
    const preset = await readPreset(name);
    const values = await readValues(preset.full);
    const services = await loadServices(templates, withApp(name, preset.services));
    const shown = JSON.stringify(renderAll(services, preset.inputs(values)).map(showMasked));
    for (const [key, { text }] of values) if (/pwd|password/.test(key)) expect(shown).not.toContain(text);
  });

  it("lets no hostile value break out of its place", { timeout: 30_000 }, async () => {
    const preset = await readPreset(name);
    const values = await readValues(preset.full);
    const services = await loadServices(templates, withApp(name, preset.services));
    const before = shapes(services, preset.inputs(values));
    for (const [key, { path }] of values) {
      for (const text of hostile) {
        const after = shapes(services, preset.inputs(new Map([...values, [key, { path, text }]])), key);
        for (const [service, shape] of after)
          expect({ service, key, text, shape }).toEqual({ service, key, text, shape: before.get(service) });
      }
    }
  });
});

const hostile = [
  "x\ny = z",
  "x\r\n[evil]\na=1",
  "\n",
  'say "hi"',
  "it's",
  "`x`",
  '"""',
  "a#b",
  "a;b",
  "a # b",
  "a ; b",
  "50%",
  "%(HTTP_PORT)s",
  "%%",
  "$HOME",
  "\x24{HOME}",
  "${",
  "$(id)",
  "a\0b",
  "__proto__",
  "constructor",
  "{{gitea.user_pwd}}",
  '",\n"evil": "1',
  "; }\nevil",
  " x ",
  "\\",
  "x\\",
  "é\u2028",
  "\u{1F600}",
  "\uD800",
  "../../etc/passwd",
  "x".repeat(1024 * 64),
] as const;

/** Which keys each file of a service has. A service that is refused for the hostile key is left out. */
function shapes(services: readonly Service[], inputs: Inputs, hostileKey?: string): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const service of services) {
    try {
      const { outputs } = renderService(service, inputs);
      found.set(
        service.name,
        outputs.map(({ format, text }) =>
          format.merge ? format.read(text).map((field) => formatPath(field.path)) : text.split(/\r\n?|\n/).length,
        ),
      );
    } catch (error) {
      if (hostileKey === undefined || !(error instanceof ConfigSyncError)) throw error;
      expect(error.key?.split(" + "), error.toText()).toContain(hostileKey);
      expect(["UNREPRESENTABLE", "VALUE_INVALID"]).toContain(error.code);
    }
  }
  return found;
}

function withApp(name: string, services: readonly string[]): string[] {
  return name === "websoft9" ? [...services, "compose-app"] : [...services];
}

function renderAll(services: readonly Service[], inputs: Inputs): RenderedService[] {
  return services.map((service) => renderService(service, inputs));
}

function show(service: RenderedService): string {
  const files = service.outputs.map(({ shownPath, format, requires, text }) => {
    const waits = requires.length === 0 ? "" : `, when there is ${requires.join(" and ")}`;
    return `==> ${shownPath} (${format.name}${waits})\n${text}`;
  });
  const rules = service.reload.map(({ when, action }) => `--> ${when?.join(" ") ?? "*"}: ${action.shown}`);
  const probes = service.probes.map(({ shown }) => `??? ${shown}`);
  return `${[...files, ...rules, ...probes].join("\n")}\n`;
}

function showMasked(service: RenderedService): unknown {
  const { outputs, reload, probes } = service;
  return [
    outputs.map(({ maskedText }) => maskedText),
    reload.map(({ action }) => action.shown),
    probes.map(({ shown }) => shown),
  ];
}
