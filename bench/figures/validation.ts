import { mergeLayers, type Snapshot } from "../../src/config/layers.ts";
import { checkValues } from "../../src/config/rules/index.ts";
import { type ValueSchema, valueSchemaFile } from "../../src/config/value-schema.ts";
import { createEntryReader } from "../../src/sources/ini-entries.ts";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { alternate, type Sample } from "../rounds.ts";

const count = 1000;

/**
 * A file of 1,000 sections with five keys each, read from its text as after a start, merged, and held to a schema that has something to say
 * of every key; beside the same without the rules.
 */
export async function measureValidation(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 5, measured: 20, rest: 1 } : { warmUp: 30, measured: 200, rest: 2 };
  const { read, check, parseSchema } = validators();
  const schema = parseSchema({ sections: Object.fromEntries(names.map((name) => [name, keysOf(name)])) });
  const [plain = [], checked = []] = await alternate([readOnly(read), readAndCheck(read, check, schema)], rounds);
  const row = (percent: number) => ({
    figure,
    what: `${count.toLocaleString("en")} sections read, merged and checked, p${percent}`,
    unit: "ms" as const,
    value: percentile(checked, percent),
    beside: { name: "read and merged", value: percentile(plain, percent) },
  });
  return [
    { ...row(50), bar: { ratio: 2 } },
    { ...row(99), bar: {} },
  ];
}

type Read = () => Snapshot;
type Check = (facts: { schema: ValueSchema; snapshot: Snapshot }) => readonly unknown[];

function readOnly(read: Read): Sample {
  return async () => {
    const from = performance.now();
    read();
    return performance.now() - from;
  };
}

function readAndCheck(read: Read, check: Check, schema: ValueSchema): Sample {
  return async () => {
    const from = performance.now();
    const found = check({ schema, snapshot: read() });
    const took = performance.now() - from;
    if (found.length > 0) throw new Error(`${found.length} findings where there should be none`);
    return took;
  };
}

const names = Array.from({ length: count }, (_, index) => `app-${index}`);

const text = names
  .map(
    (name, index) =>
      `[${name}]\nport = ${1024 + index}\nurl = https://${name}.example.com/start\nadmin = admin@${name}.example.com\nwait = 1m30s\nlevel = warn\n`,
  )
  .join("\n");

function keysOf(name: string) {
  return {
    port: { type: "port", required: "section" },
    url: { type: "url", max: 200 },
    admin: { type: "email", needs: [`${name}.url`] },
    wait: { type: "duration", min: "1s", max: "1h" },
    level: { type: "enum", values: ["debug", "info", "warn", "error"] },
  };
}

function validators() {
  const source = "config.ini";
  return {
    read: () => {
      // A reader of its own each time: it remembers sections that stay the same.
      const entries = createEntryReader({ name: source, secretPaths: () => false })(text);
      return mergeLayers([{ source, protected: false, entries }], (written) => written);
    },
    check: checkValues,
    parseSchema: (written: unknown) => valueSchemaFile.parse(written),
  };
}
