#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// The next start of the program skips compiling (and stripping types): half of its start-up time.
enableCompileCache();

const { runCommandLine } = await import("./cli/program.ts");
process.exitCode = await runCommandLine(process.argv.slice(2));
