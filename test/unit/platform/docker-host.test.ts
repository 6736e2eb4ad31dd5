import { describe, expect, test } from "vitest";
import { olderVersion } from "../../../src/platform/docker.ts";
import { findDocker } from "../../../src/platform/docker-host.ts";

describe("where Docker is", () => {
  test("the setting wins over DOCKER_HOST", async () => {
    const { name, connection } = await findDocker({ host: "unix:///a.sock" }, { DOCKER_HOST: "tcp://other:2375" });
    expect(name).toBe("/a.sock");
    expect(connection).toMatchObject({ socketPath: "/a.sock", host: undefined });
  });

  test("DOCKER_HOST wins over the usual socket", async () => {
    const { connection } = await findDocker({}, { DOCKER_HOST: "tcp://10.0.0.1" });
    expect(connection).toMatchObject({ host: "10.0.0.1", port: "2375", protocol: "http", socketPath: undefined });
    expect((await findDocker({}, {})).name).toBe("/var/run/docker.sock");
  });

  test("port 2376 is TLS", async () => {
    expect((await findDocker({ host: "tcp://h:2376" }, {})).connection).toMatchObject({ protocol: "https" });
  });

  test("certificates that are not there are said at once", async () => {
    const env = { DOCKER_HOST: "tcp://h:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/no/such" };
    await expect(findDocker({}, env)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });

  test.each(["ssh://root@host", "npipe:////./pipe/docker", "host:2375", "tcp://", "rubbish"])(
    "%s is refused",
    async (host) => {
      await expect(findDocker({ host }, {})).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    },
  );

  test("of two versions the older one is spoken", () => {
    expect(olderVersion("1.41", "1.47")).toBe("1.41");
    expect(olderVersion("1.52", "1.47")).toBe("1.47");
    expect(olderVersion("1.9", "1.47")).toBe("1.9");
    expect(olderVersion("2.0", "1.47")).toBe("1.47");
  });
});
