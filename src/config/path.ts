/**
 * The address of a value: its segments from the outside in, `["gitea", "user_pwd"]`.
 *
 * Written for people with dots; a segment that holds a dot or a bracket stands in brackets, so that the INI section
 * `log.console` stays one segment: `[log.console].LEVEL`. The written form is unique and serves as key in maps.
 */
export type Path = readonly string[];

const bare = /^[^.[\]]+$/;

export function formatPath(path: Path): string {
  return path.map((segment) => (bare.test(segment) ? segment : `[${segment.replace(/[\\\]]/g, "\\$&")}]`)).join(".");
}

/** The inverse of formatPath. Returns undefined for a text that no path is written as (`a..b`, `[a`). */
export function parsePath(text: string): Path | undefined {
  const path: string[] = [];
  const segment = /(?:\[((?:[^\\\]]|\\[\s\S])*)\]|([^.[\]]+))(\.|$)/y;
  while (segment.lastIndex < text.length) {
    const match = segment.exec(text);
    if (match === null) return undefined;
    path.push(match[1]?.replace(/\\([\s\S])/g, "$1") ?? match[2] ?? "");
    if (match[3] === "") return path;
    if (segment.lastIndex === text.length) return undefined;
  }
  return undefined;
}
