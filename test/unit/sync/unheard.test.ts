import { expect, test } from "vitest";
import type { Service } from "../../../src/services/catalog.ts";
import { findUnheard } from "../../../src/sync/unheard.ts";
import { snapshotOf } from "../services/support.ts";

function service(name: string, takes: boolean): Service {
  const environment = takes ? { reserved: [] } : undefined;
  return { name, outputs: [{ manifest: { environment } }] } as unknown as Service;
}

const sections = {
  environment: { TZ: "UTC" },
  "environment:shop": { A: "x" },
  "mappings:blog": { B: "mail.host", "M_*": "mail.*" },
  "environment:shpo": { C: "x" },
  mail: { host: "smtp", port: "25" },
};

test("a variable that no service gets is found, with the reason", () => {
  const messages = findUnheard(snapshotOf(sections), [service("shop", true), service("blog", false)]);
  expect(messages.map(({ message }) => message)).toEqual([
    "mappings:blog.B is given to nobody: no output of blog takes the environment",
    "mappings:blog.M_* is given to nobody: no output of blog takes the environment",
    "environment:shpo.C is given to nobody: there is no service shpo",
  ]);
  expect(messages.map(({ hint }) => hint)).toEqual([
    "Write environment: true at an output in its service.yaml",
    "Write environment: true at an output in its service.yaml",
    "Correct the name, or remove it",
  ]);
  const [first] = findUnheard(snapshotOf(sections), [service("blog", false)]);
  expect(first?.message).toBe("environment.TZ is given to nobody: no service takes the environment");
});
