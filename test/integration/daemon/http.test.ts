import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { serveControl } from "../../../src/api/control-server.ts";
import { watchWork } from "../../../src/api/watched-work.ts";
import { createDaemonApi } from "../../../src/daemon/http.ts";
import { asConfigSyncError, ConfigSyncError } from "../../../src/errors.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";
import { createBed, forgetKnown, settings, whoIsKnown } from "../../unit/api/http-bed.ts";

afterAll(forgetKnown);

test("an API that cannot be made says so once, and is made as soon as it can be", async () => {
  const { parts } = await createBed();
  let isBroken = true;
  const troubles: string[] = [];
  const api = createDaemonApi({
    parts: async () => {
      if (isBroken) throw new ConfigSyncError("STATE_UNUSABLE", "access.json is broken");
      return parts;
    },
    settings,
    onListening: () => undefined,
    onTrouble: ({ message }) => troubles.push(message),
  });
  const server = createServer((request, response) => {
    api.answer(request, response).catch((error) => response.end(asConfigSyncError(error).message));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  const ask = async () => (await fetch(url, { headers: { connection: "close" } })).text();
  try {
    await api.open(settings);
    expect(troubles).toEqual(["access.json is broken"]);
    expect(await ask()).toBe("access.json is broken");
    isBroken = false;
    expect(JSON.parse(await ask())).toMatchObject({ status: "ok" });
  } finally {
    await api.close();
    server.close();
  }
});

test("a server that gives way to another one lets the owner go on, and nobody misses an event", async () => {
  const { parts, emit } = await createBed();
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  let addresses: readonly string[] = [];
  const api = createDaemonApi({
    parts: async () => ({ ...parts, apply: () => done }),
    settings,
    onListening: (listening) => {
      addresses = listening;
    },
    onTrouble: (error) => expect(error).toBeUndefined(),
  });
  const folder = await mkdtemp(path.join(tmpdir(), "config-sync-way-"));
  const socket = path.join(folder, "daemon.sock");
  const control = await serveControl(socket, api.answer);
  const listening = { ...settings, listen: [{ host: "127.0.0.1", port: 0 }] };
  try {
    await api.open(listening);
    const key = (await whoIsKnown()).keyOf("viewer");
    const remote = await fetch(`${addresses[0]}/api/v1/events`, { headers: key });
    const told: SyncEvent[] = [];
    const applying = watchWork(socket, { method: "POST", url: "/api/v1/apply?timeout=1m" }, (one) => told.push(one));
    await expect.poll(() => streams(socket)).toBe(2);
    emit({ type: "mended", text: "before" });
    await api.open({ ...listening, readOnly: "for a while" });
    const id = /^id: (\S+)\nevent: mended$/m.exec(await remote.text())?.[1] ?? "";
    emit({ type: "mended", text: "after" });
    const again = await fetch(`${addresses[0]}/api/v1/events`, { headers: { ...key, "last-event-id": id } });
    const { value } = (await again.body?.getReader().read()) ?? {};
    const resumed = Buffer.from(value ?? []).toString();
    expect(resumed).toContain('"after"');
    expect(resumed).not.toContain("gap");
    finish();
    expect(await applying).toMatchObject({ status: 200 });
    expect(told.map((event) => event.type === "mended" && event.text)).toEqual(["before", "after"]);
  } finally {
    await api.close();
    await control[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
});

async function streams(socketPath: string): Promise<number> {
  const asked = request({ socketPath, path: "/metrics" }).end();
  const [answer] = await once(asked, "response");
  return Number(/^config_sync_event_streams (\d+)$/m.exec(await text(answer))?.[1]);
}
