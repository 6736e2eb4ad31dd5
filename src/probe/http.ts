import { z } from "zod";
import { duration } from "../config/schema.ts";
import { request, showUrl } from "../platform/http.ts";
import { flag, headers, statuses, url } from "../platform/http-fields.ts";
import { answerOf } from "./answer.ts";
import type { Probe } from "./probe.ts";

const schema = z.strictObject({
  url,
  expect: statuses.default([200]),
  /** Stands in the first 64 KiB of the answer. */
  contains: z.string().min(1, "is empty").optional(),
  headers: headers.default({}),
  timeout: duration.prefault("5s"),
  insecure_tls: flag.default(false),
});

/** A GET. Redirects are answers like any other: `expect: 302` where a login page is healthy enough. */
export const http: Probe<z.output<typeof schema>> = {
  kind: "http",
  schema,
  describe: ({ url, expect }) => `GET ${showUrl(url)} gives ${expect.join(" or ")}`,
  check: (spec, { signal, redact }) =>
    answerOf(redact, async () => {
      const { url, headers, timeout, expect, contains, insecure_tls } = spec;
      const { status, body } = await request({
        method: "GET",
        url,
        headers,
        timeout,
        signal,
        insecureTls: insecure_tls,
      });
      const shown = showUrl(url);
      if (!expect.includes(status))
        return { healthy: false, detail: `${status} instead of ${expect.join(" or ")} from ${shown}` };
      if (contains !== undefined && !body.includes(contains)) {
        return { healthy: false, detail: `${status} from ${shown}, but its answer does not contain "${contains}"` };
      }
      return { healthy: true, detail: `${status} from ${shown}` };
    }),
};
