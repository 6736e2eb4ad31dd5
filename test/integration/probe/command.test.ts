import { expect, test } from "vitest";
import { probeOf } from "../../../src/probe/index.ts";
import { actionContext, plantedSecret } from "../../support/action-context.ts";
import { probeContract } from "../../support/probe-contract.ts";

probeContract("command", async () => ({
  healthy: { spec: { argv: ["true"] } },
  unhealthy: {
    spec: { argv: ["sh", "-c", `echo checking; echo no luck with ${plantedSecret}; exit 2`] },
    says: /^sh ended with exit code 2: no luck with \[secret\]$/,
  },
  absent: { spec: { argv: ["sh", "-c", "exit 111"] } },
  hung: { spec: { argv: ["sleep", "1000"] } },
  revealing: [{ argv: ["true"] }],
  stop: async () => {},
}));

test("command probe: a missing program is an error, since asking again cannot mend it", async () => {
  const asked = probeOf("command").check({ argv: ["/no/such/program"], timeout: 1000 }, actionContext());
  await expect(asked).rejects.toMatchObject({ code: "UNREACHABLE", retryable: false });
});
