/** When services are rendered, and what stays wanted where they cannot be. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { diffSnapshots } from "../../../src/config/diff.ts";
import type { Snapshot } from "../../../src/config/layers.ts";
import { loadServices, type Service } from "../../../src/services/catalog.ts";
import { type Renderings, renderAll } from "../../../src/sync/renderings.ts";
import { digest, noNames, snapshotOf } from "../services/support.ts";

let folder: string;
let services: readonly Service[];
/** The names of the services that were rendered, in order. */
let rendered: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "renderings-"));
  rendered = [];
  for (const name of ["one", "two"]) {
    await mkdir(join(folder, name));
    const path = `"{{${name}.path}}"`;
    const manifest = `name: ${name}\noutputs: [{ path: ${path}, format: "env:compose", template: a.hbs }]\n`;
    await writeFile(join(folder, name, "service.yaml"), manifest);
    await writeFile(join(folder, name, "a.hbs"), `A={{all.x}}\nOWN={{${name}.x}}\n`);
  }
  services = await loadServices(folder, ["one", "two"]);
  for (const { name, outputs } of services) {
    const [output] = outputs;
    if (output?.template === undefined) throw new Error("no template");
    const { render } = output.template;
    vi.spyOn(output.template, "render").mockImplementation((...given) => {
      rendered.push(name);
      return render(...given);
    });
  }
});

afterEach(() => rm(folder, { recursive: true }));

function values(all: string, own: Record<string, string> = {}, two = "two.env"): Snapshot {
  return snapshotOf({ all: { x: all }, one: { path: "one.env", x: "1", ...own }, two: { path: two, x: "2" } });
}

function render(
  snapshot: Snapshot,
  old?: { renderings: Renderings; snapshot: Snapshot; revision: number },
): Renderings {
  const before = old && { ...old, changes: diffSnapshots(old.snapshot, snapshot) };
  return renderAll(services, { snapshot, names: noNames, folder, digest }, before);
}

test("a service is rendered once, when somebody asks for it", () => {
  const first = render(values("a"));
  expect(rendered).toEqual([]);
  expect(first.get("one")?.wanted?.service.outputs[0]?.text).toBe("A=a\nOWN=1\n");
  expect(first.get("one")?.error).toBeUndefined();
  expect(rendered).toEqual(["one"]);
});

test("values that nobody asked for are never rendered, and those that came later are not lost", () => {
  const first = render(values("a"));
  for (const { wanted } of first.values()) expect(wanted).toBeDefined();
  const second = render(values("b"), { renderings: first, snapshot: values("a"), revision: 1 });
  // Concerns only one of the two, but the other was not rendered since the change before.
  const third = render(values("b", { x: "3" }), { renderings: second, snapshot: values("b"), revision: 2 });
  expect(third.get("one")?.wanted?.service.outputs[0]?.text).toBe("A=b\nOWN=3\n");
  expect(third.get("two")?.wanted?.service.outputs[0]?.text).toBe("A=b\nOWN=2\n");
  expect(rendered).toEqual(["one", "two", "one", "two"]);
});

test("what cannot be rendered leaves wanted what was rendered last, with its revision", () => {
  const first = render(values("a"));
  const wanted = first.get("one")?.wanted;
  const unasked = render(values("b"), { renderings: first, snapshot: values("a"), revision: 1 });
  const bad = snapshotOf({ one: { path: "one.env", x: "1" }, two: { path: "two.env", x: "2" } });
  const third = render(bad, { renderings: unasked, snapshot: values("b"), revision: 2 });
  expect(third.get("one")).toMatchObject({ error: { code: "VALUE_MISSING" }, revision: 1 });
  expect(third.get("one")?.wanted).toBe(wanted);
});

test("two that would write one file are refused before either is rendered, and until it is over", () => {
  const first = render(values("a"));
  const clash = render(values("a", {}, "one.env"), { renderings: first, snapshot: values("a"), revision: 1 });
  const still = render(values("b", {}, "one.env"), {
    renderings: clash,
    snapshot: values("a", {}, "one.env"),
    revision: 2,
  });
  for (const renderings of [clash, still])
    for (const { error } of renderings.values()) expect(error).toMatchObject({ code: "MANIFEST_INVALID" });
  const over = render(values("b"), { renderings: still, snapshot: values("b", {}, "one.env"), revision: 3 });
  for (const { error } of over.values()) expect(error).toBeUndefined();
});
