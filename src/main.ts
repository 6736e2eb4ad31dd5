#!/usr/bin/env node
import module from "node:module";
import { join } from "node:path";
import { keepTickShape } from "./platform/tick-shape.ts";

const oldest = 24;
if (Number(process.versions.node.split(".")[0]) < oldest) {
  process.stderr.write(`config-sync needs Node.js ${oldest} or newer; this is ${process.version}\n`);
  process.exit(1);
}

keepTickShape();

// The next start skips compiling (and, in a checkout, stripping types): half of the start-up time. The cache lies in a folder of
// the user's own, because Node's default is one under /tmp that anybody could have filled before.
const { HOME: home, NODE_COMPILE_CACHE: given } = process.env;
if (home && given === undefined) module.enableCompileCache(join(home, ".cache", "config-sync"));

// Who reads may stop before the end: `config-sync explain gitea | head -1`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const { runCommandLine } = await import("./cli/program.ts");
process.exitCode = await runCommandLine(process.argv.slice(2));
