/** The daemon's HTTP API: opened when the first work is done or somebody asks, and opened anew when its settings change. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ApiParts, HttpSettings } from "../api/http/parts.ts";
import type { HttpApi, Lifetime } from "../api/http/serve.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";

export interface DaemonApi {
  /** Opens it on the addresses that the settings name, now or instead of those before. Never throws: it is tried again. */
  readonly open: (settings: HttpSettings) => Promise<void>;
  /** Answers what comes by the control socket. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Lets answers finish. */
  readonly close: () => Promise<void>;
}

export interface DaemonApiOptions {
  readonly parts: () => Promise<ApiParts>;
  /** For who asks before it was opened. */
  readonly settings: HttpSettings;
  readonly onListening: (addresses: readonly string[]) => void;
  /** It cannot listen; it is tried again. */
  readonly onTrouble: (error: ConfigSyncError) => void;
}

/** Milliseconds until an address that cannot be had is tried again. */
const again = 5000;

export function createDaemonApi({ parts, settings: first, onListening, onTrouble }: DaemonApiOptions): DaemonApi {
  let current: Promise<HttpApi> | undefined;
  let lifetime: Lifetime | undefined;
  let wanted: HttpSettings | undefined;
  let later: NodeJS.Timeout | undefined;
  let told = "";
  let closed = false;

  const serve = async (settings: HttpSettings): Promise<HttpApi> => {
    // Parts come when there is time for the API: only then is it loaded.
    const known = await parts();
    // Where nobody could be let in it is not listened, but told of.
    if (settings.listen.length > 0) await known.access.users();
    const { beginLifetime, serveHttp } = await import("../api/http/serve.ts");
    lifetime ??= beginLifetime(known);
    return serveHttp(known, settings, lifetime);
  };

  const replace = (settings: HttpSettings): Promise<HttpApi> => {
    const old = current;
    const next = (async () => {
      await (await old?.catch(() => undefined))?.close();
      return serve(settings);
    })();
    current = forgetFailed(next);
    return next;
  };

  /** Who comes after it failed is not told of it for ever. */
  const forgetFailed = (opening: Promise<HttpApi>): Promise<HttpApi> => {
    opening.catch(() => {
      if (current === opening) current = undefined;
    });
    return opening;
  };

  const open = async (settings: HttpSettings): Promise<void> => {
    clearTimeout(later);
    if (closed || JSON.stringify(settings) === JSON.stringify(wanted)) return (await current)?.renew();
    wanted = settings;
    await tryToOpen(settings);
  };

  const tryToOpen = async (settings: HttpSettings): Promise<void> => {
    try {
      const { addresses } = await replace(settings);
      told = "";
      if (addresses.length > 0) onListening(addresses);
    } catch (thrown) {
      const error = asConfigSyncError(thrown);
      if (error.message !== told) onTrouble(error);
      told = error.message;
      // The commands on this host are answered all the same.
      await replace({ ...settings, listen: [] }).catch(() => undefined);
      if (!closed && settings === wanted) later = setTimeout(() => void tryToOpen(settings), again).unref();
    }
  };

  return {
    open,
    answer: async (request, response) => {
      current ??= forgetFailed(serve({ ...first, listen: [] }));
      (await current).answerLocal(request, response);
    },
    close: async () => {
      closed = true;
      clearTimeout(later);
      lifetime?.end();
      await (await current?.catch(() => undefined))?.close();
    },
  };
}
