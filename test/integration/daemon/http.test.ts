import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { createDaemonApi } from "../../../src/daemon/http.ts";
import { asConfigSyncError, ConfigSyncError } from "../../../src/errors.ts";
import { createBed, forgetKnown, settings } from "../../unit/api/http-bed.ts";

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
    expect(await ask()).toBe('{"status":"ok"}');
  } finally {
    await api.close();
    server.close();
  }
});
