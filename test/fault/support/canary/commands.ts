/** Every command with what it can be asked, wrong things included, and a process that carries them out. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { commands } from "../../../../src/cli/program.ts";
import type { Flock } from "./canaries.ts";
import type { Evidence } from "./evidence.ts";
import { places, type Stage } from "./stage.ts";

interface Line {
  readonly argv: readonly string[];
  /** It prints secrets by right. */
  readonly reveals?: boolean;
}

const run = promisify(execFile);

/** All that a workspace answers, in text and as JSON; `round` tells which secrets are set. */
export function commandLines(flock: Flock, round: number): Line[] {
  const [wrong, named] = [flock.canary("wrong"), flock.canary("named", round)];
  const asked: Readonly<Record<string, readonly (readonly string[])[]>> = {
    init: [["init"], ["init", "elsewhere", "--preset", "nobody"]],
    plan: [["plan"]],
    apply: [["apply"]],
    status: [["status"]],
    validate: [["validate"], ["validate", "--strict"]],
    explain: [["explain", "nobody"], ...Object.values(places).map((path) => ["explain", path]), ["explain", "env"]],
    reload: [
      ["reload", "told"],
      ["reload", "nobody"],
    ],
    retry: [["retry", "probed"]],
    doctor: [["doctor"]],
    wait: [["wait", "--timeout", "1ms"]],
    get: [["get"], ["get", "mail"], ...Object.values(places).map((path) => ["get", path]), ["get", "nobody"]],
    set: [
      ["set", `${places.named}=${named}`, "-m", `it is ${named}`],
      ["set", `typed.port=${wrong}`, "-m", `the port is ${wrong}`],
      ["set", `typed.kind=${wrong}`, `typed.password=${wrong}`],
      ["set", `${places.short}=${wrong}`],
      ["set", `system.password=${wrong}`],
      ["set", `mail.password[=${wrong}`],
      ["set", "mail.password", wrong],
      ["set", "mail.password=", wrong],
      ["set", `=${wrong}`],
      ["set", "mail.password=[secret]"],
      ["set", "--stdin", `mail.password=${wrong}`],
      ["set", "mail.password=x", "--password", wrong],
      ["set", "mail.password=x", `--password=${wrong}`],
    ],
    unset: [
      ["unset", "mail.nobody"],
      ["unset", "system.password"],
    ],
    history: [["history"], ["history", "--limit", "x"]],
    show: [
      ["show", "1"],
      ["show", "2"],
      ["show", "9999"],
    ],
    diff: [
      ["diff", "1"],
      ["diff", "1", "2"],
    ],
    rollback: [
      ["rollback", "9999", "-m", named],
      ["rollback", "2", "--section", "mail", "-m", `back to ${named}`],
    ],
    "access key list": [["access", "key", "list"]],
    "access key create": [["access", "key", "create", "viewer", "--role", "nobody"]],
    "access key remove": [["access", "key", "remove", "nobody"]],
    "access user list": [["access", "user", "list"]],
    "access user create": [["access", "user", "create", "bob", wrong]],
    "access user password": [
      ["access", "user", "password", "ann"],
      ["access", "user", "password", "ann", wrong],
    ],
    "access user grant": [["access", "user", "grant", "nobody", "--role", "viewer"]],
    "access user remove": [["access", "user", "remove", "nobody"]],
    schema: [
      ["schema", "settings"],
      ["schema", "settings", wrong],
    ],
    "secrets keygen": [["secrets", "keygen"]],
    "secrets encrypt": [["secrets", "encrypt", "-m", `not ${named}`]],
    "secrets rotate": [["secrets", "rotate"]],
    "secrets migrate": [["secrets", "migrate"]],
    "secrets decrypt": [["secrets", "decrypt", "mail.nobody"]],
    "env list": [
      ["env", "list"],
      ["env", "list", "--service", "files"],
    ],
    "env get": [["env", "get", "DB_PASSWORD"]],
    "env set": [
      ["env", "set", `DB_PASSWORD=${wrong}`, "-m", `it is ${wrong}`],
      ["env", "set", "DB_PASSWORD", wrong],
    ],
    "env unset": [["env", "unset", "NOBODY"]],
    "env map": [["env", "map", `MAIL_PASSWORD=${places.named}`]],
    "env unmap": [["env", "unmap", "NOBODY"]],
    "audit list": [
      ["audit", "list"],
      ["audit", "list", "--from", wrong],
    ],
    "audit verify": [
      ["audit", "verify"],
      ["audit", "verify", "--expect", wrong],
    ],
    // These two run until they are ended: here only with what they refuse.
    server: [
      ["server", "--config", "nobody.yaml"],
      ["server", wrong],
    ],
    start: [
      ["start", "--log", "nobody"],
      ["start", wrong],
    ],
  };
  const lines = leaves(commands).flatMap((name) => {
    // Every command is to be asked: a new one gets its lines above.
    const known = asked[name];
    if (known === undefined) throw new Error(`"${name}" is a command that the canaries do not know`);
    return known.flatMap((argv) => [{ argv }, { argv: [...argv, "--json"] }]);
  });
  const revealing = [
    ["get", "--reveal"],
    ["show", "2", "--reveal"],
    ["secrets", "decrypt", places.named],
  ];
  return [...lines, { argv: ["get", "mail", wrong] }, ...revealing.map((argv) => ({ argv, reveals: true }))];
}

type Listed = (typeof commands)[number];

function leaves(among: readonly Listed[], before = ""): string[] {
  return among.flatMap((one) =>
    "commands" in one ? leaves(one.commands, `${before}${one.name} `) : `${before}${one.name}`,
  );
}

/** Carries them out one after the other. What a canary must not be in is evidence; returns what each printed. */
export async function runLines(
  { workspace, environment }: Stage,
  evidence: Evidence,
  lines: readonly Line[],
): Promise<readonly string[]> {
  const order = workspace.at("order");
  writeFileSync(order, lines.map(({ argv }) => JSON.stringify(argv)).join("\n"));
  const shell = new URL("shell.ts", import.meta.url).pathname;
  const env = { ...process.env, ...environment, NO_COLOR: "1", CONFIG_SYNC_WORKSPACE: workspace.folder };
  const { stdout, stderr } = await run(process.execPath, [shell, order], {
    env,
    cwd: workspace.at("tmp"),
    maxBuffer: 1 << 26,
  });
  writeFileSync(order, "");
  const printed = [stdout, stderr].map((text) => text.split(/\n#\d+#\n/).slice(1));
  return lines.map(({ argv, reveals }, index) => {
    const text = printed.map((texts) => texts[index] ?? "").join("\n");
    if (!reveals) evidence.note(`command ${argv.slice(0, 2).join(" ")}`, text);
    return text;
  });
}
