#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// The next start skips compiling (and, in a checkout, stripping types): half of the start-up time. The cache lies in a folder of
// the user's own, because Node's default is one under /tmp that anybody could have filled before.
const { HOME: home, NODE_COMPILE_CACHE: given } = process.env;
if (home && given === undefined) enableCompileCache(join(home, ".cache", "config-sync"));

const { runCommandLine } = await import("./cli/program.ts");
process.exitCode = await runCommandLine(process.argv.slice(2));
