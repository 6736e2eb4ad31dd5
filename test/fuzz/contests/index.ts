import type { Contest } from "../contest.ts";
import { cockpitContest } from "./cockpit.ts";
import { cockpitServiceContest } from "./cockpit-ws.ts";
import { composeContest } from "./compose.ts";
import { configIniContest } from "./config-ini.ts";
import { dotenvContest, parseEnvContest } from "./dotenv.ts";
import { genericContest } from "./generic.ts";
import { giteaContest } from "./gitea.ts";
import { jsonContest } from "./json.ts";
import { pythonIniContest } from "./python-ini.ts";
import { rawContest } from "./raw.ts";
import { supervisorContest } from "./supervisor.ts";
import { tomlContest } from "./toml.ts";
import { yamlContest } from "./yaml.ts";

export const contests: readonly Contest[] = [
  configIniContest,
  pythonIniContest,
  giteaContest,
  supervisorContest,
  cockpitContest,
  cockpitServiceContest,
  genericContest,
  composeContest,
  dotenvContest,
  parseEnvContest,
  rawContest,
  jsonContest,
  yamlContest,
  tomlContest,
];
