import { ConfigSyncError } from "../errors.ts";
import type { Format } from "./format.ts";

interface Entry {
  readonly name: string;
  readonly load: () => Promise<Format>;
}

const ini = (name: string): Entry => ({
  name,
  load: async () => {
    const { iniFormats } = await import("./ini/index.ts");
    const format = iniFormats.find((candidate) => candidate.name === name);
    if (format === undefined) throw new Error(`src/formats/ini has no dialect ${name}`);
    return format;
  },
});

/** Every format, loaded when first asked for: a run that writes no TOML loads no TOML library. */
const formats: readonly Entry[] = [
  ini("ini:gitea"),
  ini("ini:cockpit"),
  ini("ini:python"),
  ini("ini:supervisor"),
  ini("ini:generic"),
  { name: "env:compose", load: async () => (await import("./env/compose.ts")).composeFormat },
  { name: "env:dotenv", load: async () => (await import("./env/dotenv.ts")).dotenvFormat },
  { name: "env:raw", load: async () => (await import("./env/raw.ts")).rawFormat },
  { name: "json", load: async () => (await import("./json/format.ts")).jsonFormat },
  { name: "yaml", load: async () => (await import("./yaml/format.ts")).yamlFormat },
  { name: "toml", load: async () => (await import("./toml/format.ts")).tomlFormat },
  { name: "nginx", load: async () => (await import("./nginx.ts")).nginxFormat },
  { name: "text", load: async () => (await import("./text.ts")).textFormat },
];

/** What a manifest may say as `format:`. */
export const formatNames: readonly string[] = formats.map(({ name }) => name);

const twice = formatNames.find((name, index) => formatNames.indexOf(name) !== index);
if (twice !== undefined) throw new Error(`two formats are called ${twice}`);

/** The format of this name. Throws NOT_FOUND. */
export async function loadFormat(name: string): Promise<Format> {
  const entry = formats.find((format) => format.name === name);
  if (entry !== undefined) return entry.load();
  const hint = `Formats are ${formatNames.join(", ")}`;
  throw new ConfigSyncError("NOT_FOUND", `there is no format "${name}"`, { hint });
}
