import type { Format } from "../format.ts";
import { cockpitIni } from "./cockpit.ts";
import { genericIni } from "./generic.ts";
import { giteaIni } from "./gitea.ts";
import { pythonIni } from "./python.ts";
import { supervisorIni } from "./supervisor.ts";

/** The dialects: one file each. Who reads the file decides which one it is. */
export const iniFormats: readonly Format[] = [giteaIni, cockpitIni, pythonIni, supervisorIni, genericIni];
