import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

/** A temporary folder with mounts in it, taken down after each test. Mounting needs root, as the other servers here do. */
export function useSandbox() {
  let folder: string | undefined;
  const mounted: string[] = [];
  // Lazily: what is under test may have a file of it open.
  const unmount = (path: string): void => {
    execFileSync("umount", ["--lazy", path]);
    mounted.splice(mounted.lastIndexOf(path), 1);
  };
  afterEach(() => {
    for (const path of mounted.toReversed()) unmount(path);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  });
  const root = (): string => {
    folder ??= realpathSync(mkdtempSync(join(tmpdir(), "config-sync-test-")));
    return folder;
  };
  const mount = (args: readonly string[], at: string): void => {
    execFileSync("mount", [...args, at]);
    mounted.push(at);
  };
  return {
    path: (...names: string[]): string => join(root(), ...names),
    folder: (...names: string[]): string => {
      const path = join(root(), ...names);
      mkdirSync(path, { recursive: true });
      return path;
    },
    bind: (from: string, at: string): void => mount(["--bind", from], at),
    readOnly: (at: string): void => {
      mount(["--bind", at], at);
      execFileSync("mount", ["-o", "remount,bind,ro", at]);
    },
    tmpfs: (size: string, at: string): void => mount(["-t", "tmpfs", "-o", `size=${size}`, "none"], at),
    unmount,
    list: (...names: string[]): string[] => readdirSync(join(root(), ...names)).sort(),
  };
}
