import { type Path, parsePath } from "./path.ts";

export type PathTest = (path: Path) => boolean;

/**
 * A test for paths, from patterns such as `gitea.user_*`: `*` stands for any text within one segment, `**` as a whole
 * segment for any number of segments. A segment with dots stands in brackets, as in paths: `[log.console].*`. Case matters. No
 * patterns: never true.
 */
export function matchPaths(patterns: readonly string[]): PathTest {
  const tests = patterns.map(matchPath);
  return (path) => tests.some((test) => test(path));
}

function matchPath(pattern: string): PathTest {
  const segments = parsePath(pattern) ?? pattern.split(".");
  const parts = segments.map((part) => (part === "**" ? undefined : segmentTest(part)));
  return (path) => matches(parts, 0, path, 0);
}

type SegmentTest = (segment: string) => boolean;

function matches(parts: readonly (SegmentTest | undefined)[], p: number, path: Path, s: number): boolean {
  if (p === parts.length) return s === path.length;
  const part = parts[p];
  if (part === undefined) return matches(parts, p + 1, path, s) || (s < path.length && matches(parts, p, path, s + 1));
  const segment = path[s];
  return segment !== undefined && part(segment) && matches(parts, p + 1, path, s + 1);
}

/** Linear in the segment, whatever the pattern: the pieces between stars are looked for one after the other. */
function segmentTest(part: string): SegmentTest {
  const [first = "", ...rest] = part.split("*");
  const last = rest.pop();
  if (last === undefined) return (segment) => segment === part;
  return (segment) => {
    if (segment.length < first.length + last.length || !segment.startsWith(first) || !segment.endsWith(last))
      return false;
    let from = first.length;
    const end = segment.length - last.length;
    for (const piece of rest) {
      const at = segment.indexOf(piece, from);
      if (at < 0 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  };
}
