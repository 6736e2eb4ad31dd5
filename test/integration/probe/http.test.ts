import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { probeOf } from "../../../src/probe/index.ts";
import { actionContext, plantedSecret, startHungServer } from "../../support/action-context.ts";
import { startCockpit } from "../../support/cockpit.ts";
import { startHttpService } from "../../support/http-service.ts";
import { leash } from "../../support/leash.ts";
import { startNginx } from "../../support/nginx.ts";
import { probeContract } from "../../support/probe-contract.ts";
import { freePort } from "../../support/supervisord.ts";

probeContract("http", async () => {
  const nginx = await startNginx(`location /${plantedSecret} { return 503; } location / { return 200 "ok"; }`);
  const hung = await startHungServer();
  return {
    healthy: { spec: { url: `${nginx.url}/`, contains: "ok" } },
    unhealthy: {
      spec: { url: `${nginx.url}/${plantedSecret}?token=${plantedSecret}` },
      says: /^503 instead of 200 from http:\/\/127.0.0.1:\d+\/\[secret\]$/,
    },
    absent: { spec: { url: `http://127.0.0.1:${await freePort()}/` } },
    hung: { spec: { url: `http://127.0.0.1:${hung.port}/` } },
    revealing: [
      { url: `http://admin:${plantedSecret}@host/?key=${plantedSecret}`, headers: { Cookie: plantedSecret } },
    ],
    stop: async () => {
      await hung.stop();
      await nginx.stop();
    },
  };
});

const check = (spec: object) => probeOf("http").check(probeOf("http").schema.parse(spec), actionContext());

describe("http probe", () => {
  test("an answer without the expected text is not healthy", async () => {
    const nginx = await startNginx();
    expect(await check({ url: nginx.url, contains: "fine" })).toMatchObject({ healthy: false });
    await nginx.stop();
  });

  test("a redirect is an answer, not a way", async () => {
    const nginx = await startNginx("location = /old { return 301 /new; } location / { return 200; }");
    expect((await check({ url: `${nginx.url}/old` })).detail).toMatch(/^301 instead of 200/);
    expect((await check({ url: `${nginx.url}/old`, expect: [200, 301] })).healthy).toBe(true);
    await nginx.stop();
  });

  test("a certificate of its own making is taken only where the manifest says so", async () => {
    const { folder, release } = await leash("tls");
    const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", cert];
    await promisify(execFile)("openssl", request);
    const tls = { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
    const service = await startHttpService({ "/": {} }, { tls });
    expect(await check({ url: service.url })).toMatchObject({ healthy: false });
    expect(await check({ url: service.url, insecure_tls: "true" })).toMatchObject({ healthy: true });
    await service.stop();
    await release();
  });

  test("asks a service on a unix socket", async () => {
    const { folder, release } = await leash("unix");
    const listen = path.join(folder, "app.sock");
    const service = await startHttpService({ "/health": { body: "fine" } }, { listen });
    const url = `http+unix://${encodeURIComponent(listen)}/health`;
    expect(await check({ url, contains: "fine" })).toMatchObject({ healthy: true });
    await service.stop();
    await release();
  });

  test("sees Cockpit's ping, which moves with UrlRoot", async () => {
    const cockpit = await startCockpit("[WebService]\nUrlRoot = /console\n");
    expect((await check({ url: `${cockpit.url}/console/ping`, contains: '"service": "cockpit"' })).healthy).toBe(true);
    expect((await check({ url: `${cockpit.url}/ping` })).detail).toMatch(/^404 instead of 200/);
    await cockpit.stop();
  });
});
