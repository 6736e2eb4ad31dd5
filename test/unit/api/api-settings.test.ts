import fc from "fast-check";
import { expect, test } from "vitest";
import { apiSchema, resolveApi } from "../../../src/api/api-settings.ts";

test("WebSockets and event streams together leave connections for who only asks something", () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 65_535 }), (max_connections) => {
      const { limits } = resolveApi(apiSchema.parse({ max_connections }), (path) => path);
      expect(limits.sockets + limits.streams).toBeLessThan(limits.connections);
      expect(limits.streams).toBeGreaterThan(0);
    }),
  );
});

test.each([
  ["https://console.example.com", true],
  ["http://localhost:8080", true],
  ["https://console.example.com/", false],
  ["https://console.example.com/page", false],
  ["https://Console.example.com", false],
  ["https://console.example.com:443", false],
  ["console.example.com", false],
])("%s as an origin is taken: %j", (origin, taken) => {
  expect(apiSchema.safeParse({ cors: [origin] }).success).toBe(taken);
});
