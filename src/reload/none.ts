import { z } from "zod";
import type { Reload } from "./reload.ts";

/** For keys that a service reads by itself, or only when it is asked anyway. */
export const none: Reload<true> = {
  kind: "none",
  schema: z.literal(true),
  describe: () => "no reload needed",
  run: async () => {},
};
