/**
 * Stands in for Gitea's web process where it touches its own app.ini, with go-ini v1.67 and Gitea's load options: at every start it
 * reads the file, adds the keys that it needs, and writes the whole file anew in its own layout. `--port` alone makes Gitea do so,
 * for LOCAL_ROOT_URL. Then it answers: its health on /api/healthz, and on / the values that it read.
 *
 * Arguments: the app.ini, and `--port N`. Beside the app.ini it keeps `starts`: for each start a line with the APP_NAME that it read.
 * While there is a file `hold` too, it waits between reading the app.ini and writing it.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { readGoIni } from "../../fuzz/oracles/go-ini.ts";
import { pathOf } from "../../fuzz/reading.ts";

interface Section {
  readonly name: string;
  readonly comment: string;
  readonly keys: Map<string, Key>;
}

interface Key {
  readonly value: string;
  readonly comment: string;
}

const root = "DEFAULT";
const { positionals, values: options } = parseArgs({
  options: { port: { type: "string", default: "0" } },
  allowPositionals: true,
});
const [file = ""] = positionals;

// Who is told to end in the middle of writing ends after it.
process.on("SIGTERM", () => process.exit());
const sections = parse(readFileSync(file, "utf8"));
appendFileSync(join(dirname(file), "starts"), `${textOf(root, "APP_NAME")}\n`);
addOwnKeys();
while (existsSync(join(dirname(file), "hold"))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
save();
serve();

/** What Gitea makes for itself where it is missing, and once more at every start. */
function addOwnKeys(): void {
  const secret = (): string => randomBytes(32).toString("base64url");
  if (textOf("security", "INTERNAL_TOKEN") === "") set("security", "INTERNAL_TOKEN", secret());
  if (textOf("oauth2", "JWT_SECRET") === "") set("oauth2", "JWT_SECRET", secret());
  if (textOf("server", "LFS_START_SERVER") === "true" && textOf("server", "LFS_JWT_SECRET") === "") {
    set("server", "LFS_JWT_SECRET", secret());
  }
  set("server", "LOCAL_ROOT_URL", `http://localhost:${options.port}/`);
}

/** Truncated and written, not renamed; and nobody but its user may read it from then on. */
function save(): void {
  writeFileSync(file, print());
  if ((statSync(file).mode & 0o777) > 0o600) chmodSync(file, 0o600);
}

function serve(): void {
  const isHealthy = textOf("log", "LEVEL") !== "broken";
  const known = [...sections.values()].flatMap(({ name, keys }) =>
    [...keys].map(([key, { value }]) => [`${name}.${key}`, value]),
  );
  const server = createServer(({ url }, response) => {
    if (url === "/api/healthz") response.writeHead(isHealthy ? 200 : 424).end(isHealthy ? "pass" : "fail");
    else response.end(JSON.stringify(Object.fromEntries(known)));
  });
  server.listen(Number(options.port), "127.0.0.1");
}

/** Values of one line each. A comment belongs to the key or header below it, and one behind a value to that key. */
function parse(text: string): Map<string, Section> {
  const found = new Map<string, Section>([[root, { name: root, comment: "", keys: new Map() }]]);
  let section = found.get(root);
  let comment = "";
  for (const line of text.split(/\r?\n/)) {
    const content = line.trim();
    if (/^[#;]/.test(content)) comment += `${content}\n`;
    else if (content.startsWith("[")) {
      const name = content.slice(1, content.lastIndexOf("]"));
      section = found.get(name) ?? { name, comment: comment.trim(), keys: new Map() };
      found.set(name, section);
      comment = "";
    } else if (content !== "") {
      const [[path, value] = ["[]", ""]] = readGoIni(`[x]\n${content}`)?.literals ?? [];
      const inline = /[=:]\s*[^`"\s][^#;]*([#;].*)$/.exec(content)?.[1] ?? "";
      section?.keys.set(pathOf(path)[1] ?? "", { value, comment: `${comment}${inline}`.trim() });
      comment = "";
    }
  }
  return found;
}

/** A blank line between sections, `KEY = value`, comments on lines of their own with one blank behind their sign. */
function print(): string {
  const blocks = [...sections.values()].map(({ name, comment, keys }) => {
    if (name === root && keys.size === 0) return "";
    const header = name === root ? "" : `${printComment(comment)}[${name}]\n`;
    const lines = [...keys].map(([key, { value, comment }]) => `${printComment(comment)}${key} = ${quote(value)}\n`);
    return `${header}${lines.join("")}`;
  });
  return blocks.filter((block) => block !== "").join("\n");
}

function printComment(comment: string): string {
  const lines = comment === "" ? [] : comment.split("\n");
  return lines.map((line) => `${line.charAt(0)} ${line.slice(1).trim()}\n`).join("");
}

/** As go-ini does, with what it loses: `"q"` is written bare, and is `q` when it is read again. */
function quote(value: string): string {
  if (/[\n`]/.test(value)) return `"""${value}"""`;
  if (/[#;]/.test(value)) return `\`${value}\``;
  return value.trim() === value ? value : `"${value}"`;
}

function textOf(section: string, key: string): string {
  return sections.get(section)?.keys.get(key)?.value ?? "";
}

function set(name: string, key: string, value: string): void {
  const section = sections.get(name) ?? { name, comment: "", keys: new Map() };
  sections.set(name, section);
  section.keys.set(key, { value, comment: section.keys.get(key)?.comment ?? "" });
}
