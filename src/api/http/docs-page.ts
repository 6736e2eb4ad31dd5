/** The page to try the API on: Swagger UI from its package, three files, nothing from elsewhere. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Server } from "./api.ts";

const page = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>config-sync API</title>
  <link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
  <div id="page"></div>
  <script src="docs/swagger-ui-bundle.js"></script>
  <script src="docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null });\n`;

/** The bundle makes style attributes and images of its own; scripts come from here only. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const headers = {
  "content-security-policy": policy,
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
};

const { resolve } = createRequire(import.meta.url);

const files: Readonly<Record<string, { readonly type: string; readonly read: () => Promise<string | Buffer> }>> = {
  "": { type: "text/html; charset=utf-8", read: async () => page },
  "/start.js": { type: "text/javascript; charset=utf-8", read: async () => start },
  "/swagger-ui.css": { type: "text/css; charset=utf-8", read: () => readAsset("swagger-ui.css") },
  "/swagger-ui-bundle.js": { type: "text/javascript; charset=utf-8", read: () => readAsset("swagger-ui-bundle.js") },
};

export function addDocsPage(server: Server): void {
  for (const [path, { type, read }] of Object.entries(files)) {
    server.get(`/docs${path}`, {
      config: { right: "nobody" },
      schema: { hide: true },
      handler: async (_request, reply) =>
        reply
          .type(type)
          .headers(headers)
          .send(await read()),
    });
  }
}

function readAsset(name: string): Promise<Buffer> {
  return readFile(resolve(`@fastify/swagger-ui/static/${name}`));
}
