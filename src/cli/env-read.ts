/** What `env` shows of the environment of services. */
import { ConfigSyncError } from "../errors.ts";
import { escapeControls, showValue } from "../sync/events.ts";
import { askApi } from "./ask-api.ts";
import { type Call, exitCodes } from "./command.ts";
import { formatTable } from "./terminal.ts";

interface Variable {
  readonly name: string;
  readonly service?: string;
  readonly value: string | null;
  readonly from?: string;
  readonly file?: string;
  readonly line?: number;
  readonly services: readonly { readonly name: string; readonly output: string; readonly dialect: string }[];
}

export async function listEnvironment(call: Call): Promise<number> {
  const variables = await askApi<Variable[]>(call, { method: "GET", path: "/environment", query: queryOf(call) });
  if (call.json) call.print(JSON.stringify(variables, null, 2));
  else if (variables.length === 0) call.print("there are no variables");
  else call.print(formatTable(["NAME", "VALUE", "FROM", "GIVEN TO"], variables.map(toRow), call.style));
  return exitCodes.ok;
}

export async function printVariable(call: Call): Promise<number> {
  const path = `/environment/${encodeURIComponent(call.argument ?? "")}`;
  const variable = await askApi<Variable>(call, { method: "GET", path, query: queryOf(call) });
  if (call.json) call.print(JSON.stringify(variable, null, 2));
  else if (variable.value === null) throw notGiven(variable.name);
  else call.print(variable.value);
  return exitCodes.ok;
}

function notGiven(name: string): ConfigSyncError {
  const hint = "See config-sync env list for what it is mapped from";
  return new ConfigSyncError("VALUE_MISSING", `no source gives what ${name} is mapped from`, { hint });
}

function queryOf({ options }: Call) {
  return {
    service: typeof options.service === "string" ? options.service : undefined,
    reveal: options.reveal === true ? "true" : undefined,
  };
}

function toRow({ name, service, value, from, file, line, services }: Variable) {
  const scope = service === undefined ? "" : ` (${service} only)`;
  const place = line === undefined ? (file ?? "") : `${file}:${line}`;
  const users = services.map((user) => `${user.name} (${user.output}, ${user.dialect})`).join(", ");
  return [
    `${name}${scope}`,
    value === null ? { text: "nothing gives it", style: "red" as const } : showValue({ value }),
    from === undefined ? place : `${escapeControls(from)} (${place})`,
    users === "" ? "nobody" : users,
  ];
}
