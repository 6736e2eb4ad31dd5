import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Leash, leash } from "./leash.ts";

/** A page in headless Chromium, from a server of its own: what it says by `say(TEXT)` comes here. */
export interface Page {
  /** Waits for what is said next. */
  readonly heard: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** A server for one page, that has an origin before anything is opened. */
export interface PageServer {
  readonly origin: string;
  /** Runs a script in it. */
  readonly open: (script: string) => Page;
  readonly close: () => Promise<void>;
}

const program = "/usr/bin/chromium";

export async function servePage(): Promise<PageServer> {
  const said: string[] = [];
  let wake = (): void => undefined;
  let page = "";
  const server: Server = createServer((request, response) => {
    if (request.method !== "POST") return void response.setHeader("content-type", "text/html").end(page);
    void text(request).then((body) => {
      said.push(body);
      response.end();
      wake();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { folder, start, release }: Leash = await leash("chromium");

  const heard = async (): Promise<string> => {
    while (said.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return said.shift() ?? "";
  };

  return {
    origin,
    open: (script) => {
      const say =
        "let turn = Promise.resolve(); const say = (body) => (turn = turn.then(() => fetch('/', { method: 'POST', body })));";
      page = `<!doctype html><script>${say}\n${script}</script>`;
      const home = { HOME: folder, TMPDIR: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder };
      const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
      const browser = start([program, ...flags, `--user-data-dir=${folder}/profile`, origin], home);
      return { heard, close: () => browser.end() };
    },
    close: async () => {
      await release();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
