/** `node --import` of this is a machine on which nothing can be watched any more: every try ends as with inotify's limit reached. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const refuse = (): never => {
  throw Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" });
};

Object.assign(fs, { watch: refuse });
syncBuiltinESMExports();
