import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/** The rooms of src from top to bottom. Imports point down; rooms on one line do not know each other. */
const house = [
  ["main"],
  ["cli"],
  ["daemon"],
  ["workspace"],
  ["settings"],
  ["api", "web"],
  ["access", "audit", "notify"],
  ["sync"],
  ["apps"],
  ["services"],
  ["sources", "history", "reload", "probe"],
  ["platform"],
  ["formats"],
  ["config"],
  ["errors", "version"],
];

interface Import {
  readonly from: string;
  readonly to: string;
  /** Gone at run time. */
  readonly isType: boolean;
}

const root = path.join(import.meta.dirname, "../..");
const tracked = listFiles("--cached");
const sources = [...tracked, ...listFiles("--others")].filter((file) => /^src\/.*\.ts$/.test(file));
const imports = sources.flatMap(readImports);
const inside = imports.filter(({ to }) => to.startsWith("src/"));

describe("the house", () => {
  it("gives every source file a room", () => {
    expect(sources.filter((file) => floorOf(file) === -1)).toEqual([]);
  });

  it("has imports that point down, and siblings that do not know each other", () => {
    expect(inside.filter(pointsUpOrAside).map(show)).toEqual([]);
  });

  it("has no import circle", () => {
    expect(findCircle(inside.filter(({ isType }) => !isType))).toEqual([]);
  });

  it("uses at run time only what package.json has as a dependency", () => {
    const dependencies = Object.keys(JSON.parse(readText("package.json")).dependencies);
    const packages = imports.filter(({ to }) => !to.startsWith("src/") && !to.startsWith("node:"));
    expect(packages.filter(({ to }) => !dependencies.includes(packageOf(to))).map(show)).toEqual([]);
  });

  it("keeps every file on one subject: 300 lines at most", () => {
    const lines = (file: string) => readText(file).split("\n").length - 1;
    expect(sources.filter((file) => lines(file) > 300)).toEqual([]);
  });

  it("makes no exception from its own rules", () => {
    const excuses = new RegExp(
      ["biome" + "-ignore", "@ts" + "-ignore", "@ts" + "-expect-error", "TO" + "DO"].join("|"),
    );
    expect([...tracked, ...sources].filter((file) => /\.ts$/.test(file) && excuses.test(readText(file)))).toEqual([]);
  });

  it("stands for itself: nothing names a place of the machine that it was made on", () => {
    const elsewhere = new RegExp(["/wo" + "rk/(main|shared|\\.)", "\\.\\./sha" + "red/"].join("|"));
    expect(tracked.filter((file) => elsewhere.test(readText(file)))).toEqual([]);
  });

  it.each(roomsWithIndex())("lists each kind of %s once", async (room) => {
    const index: Record<string, unknown> = await import(`../../src/${room}/index.ts`);
    const lists = Object.values(index).filter((value) => Array.isArray(value));
    for (const list of lists) {
      const names = list.map((entry) => entry.kind ?? entry.name ?? entry);
      expect(names).toEqual([...new Set(names)]);
    }
  });
});

function listFiles(which: "--cached" | "--others"): string[] {
  const names = execFileSync("git", ["ls-files", "-z", "--exclude-standard", which], { cwd: root, encoding: "utf8" });
  return names.split("\0").filter((file) => file !== "" && existsSync(path.join(root, file)));
}

function readText(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

/** Static and dynamic imports and re-exports; types too, since who names a type knows the other. */
function readImports(from: string): Import[] {
  const pattern = /^(?:import|export)\s(?:[^;"=(]*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return [...readText(from).matchAll(pattern)].map(([statement, fixed, lazy]) => {
    const name = fixed ?? lazy ?? "";
    const isType = /^\w+ type\b/.test(statement);
    return { from, to: name.startsWith(".") ? path.posix.join(path.posix.dirname(from), name) : name, isType };
  });
}

/** `src/cli/plan.ts` and `src/cli.ts` are both of the room `cli`. */
function roomOf(file: string): string {
  return file.replace(/^src\//, "").replace(/(\/.*|\.ts)$/, "");
}

function floorOf(file: string): number {
  return house.findIndex((rooms) => rooms.includes(roomOf(file)));
}

function pointsUpOrAside({ from, to }: Import): boolean {
  return roomOf(from) !== roomOf(to) && floorOf(from) >= floorOf(to);
}

/** The files of the first circle found, or nothing. */
function findCircle(edges: readonly Import[]): string[] {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const { to } of edges.filter(({ from }) => from === file)) {
      const circle = visit(to, [...trail, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  return sources.map((file) => visit(file, [])).find((circle) => circle.length > 0) ?? [];
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function show({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function roomsWithIndex(): string[] {
  return sources.filter((file) => /^src\/\w+\/index\.ts$/.test(file)).map(roomOf);
}
