import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Effort, type Measurement, percentile } from "../measurement.ts";
import { exchange } from "../plain-http.ts";
import { alternate, type Sample } from "../rounds.ts";
import { daemon, newWorkspace, subjectOn, withLeash } from "../subjects.ts";
import { writeAndSync } from "../write-and-sync.ts";

/**
 * PUT of a value, answered when it would survive a power cut: checked, recorded in the history, and in config.ini. Beside it one fsynced
 * write of 2 kB.
 */
export function measurePut(figure: string, effort: Effort): Promise<Measurement[]> {
  const rounds = effort.quick ? { warmUp: 20, measured: 50, rest: 10 } : { warmUp: 50, measured: 300, rest: 20 };
  return withLeash(async (leash) => {
    const shape = { services: 1, outputsEach: 1, changes: "every output" } as const;
    const { folder } = await subjectOn(leash, newWorkspace(leash, shape), daemon);
    const socket = connect(join(folder, "state/daemon.sock"));
    await once(socket, "connect");
    const put: Sample = async (change) => {
      const from = performance.now();
      await exchange(socket, putOf(`${change}`));
      return performance.now() - from;
    };
    const file = openSync(join(leash.folder, "floor"), "a");
    const [floors = [], ours = []] = await alternate([writeAndSync(file), put], rounds);
    closeSync(file);
    socket.destroy();
    return [50, 99].map((percent) => ({
      figure,
      what: `durable PUT of a value, p${percent}`,
      unit: "ms" as const,
      value: percentile(ours, percent),
      beside: { name: "write and fsync", value: percentile(floors, percent) },
      bar: percent === 50 ? { ratio: 6 } : {},
    }));
  });
}

function putOf(value: string): string {
  const body = JSON.stringify({ value });
  const head = ["PUT /api/v1/settings/bench/value HTTP/1.1", "host: localhost", "content-type: application/json"];
  return `${head.join("\r\n")}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
