import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redactor } from "../../../src/config/secret.ts";
import { collectOutput } from "../../../src/platform/output.ts";

describe("collected output", () => {
  test("is whole up to the limit", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), (parts) => {
        const output = collectOutput(1 << 20);
        for (const part of parts) output.add(Buffer.from(part));
        const expected = parts.join("");
        // Control characters are for the terminal, not for people.
        fc.pre(!/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(expected));
        expect(output.text((text) => text)).toBe(expected);
      }),
    );
  });

  test("shows no part of a secret, wherever the cut falls", () => {
    const secret = "abcdefghijklmnopqrstuvwxyz0123456789";
    const redact = redactor([secret]);
    // 3036 bytes, of which the first and the last 500 stay.
    const nearTheCuts = fc.oneof(fc.integer({ min: 460, max: 505 }), fc.integer({ min: 2495, max: 2540 }));
    fc.assert(
      fc.property(nearTheCuts, fc.integer({ min: 1, max: 700 }), (before, chunk) => {
        const output = collectOutput(1000);
        const text = Buffer.from(`${"-".repeat(before)}${secret}${"-".repeat(3000 - before)}`);
        for (let at = 0; at < text.length; at += chunk) output.add(text.subarray(at, at + chunk));
        expect(output.text(redact)).not.toMatch(/[a-d0-9]{4}-|-[a-d0-9]{4}/);
      }),
    );
  });

  test("shows no part of a secret that is as long as a private key can be", () => {
    const secret = "MIIJKAIBAAKCAgEAx/+9".repeat(600);
    const output = collectOutput();
    const before = "-".repeat(26_000);
    output.add(Buffer.from(`${before}${secret}${"-".repeat(100_000)}${secret}${before}`));
    const shown = output.text(redactor([secret]));
    expect(shown).not.toMatch(/MII|IJK|AgE/);
    expect(shown).toMatch(/^-{20000,}\n… \d+ bytes left out …\n-{20000,}$/);
  });

  test("keeps memory bounded", () => {
    const output = collectOutput(1000);
    for (let count = 0; count < 10_000; count++) output.add(Buffer.alloc(1000, "x"));
    expect(output.text((text) => text).length).toBeLessThan(1100);
  });
});
