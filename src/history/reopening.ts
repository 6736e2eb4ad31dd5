import { once } from "../platform/once.ts";
import type { History } from "./history.ts";

/**
 * A history that is opened when it is first asked, and again and again as long as that fails: what it keeps is worth a lot, and still
 * not that everything else waits for it. Every question fails meanwhile with the reason.
 */
export function reopening(open: () => Promise<History>): History {
  let opened: History | undefined;
  let isAsked = false;
  const openOnce = once(open);
  const ask = async (): Promise<History> => {
    isAsked = true;
    opened = await openOnce();
    return opened;
  };
  return {
    head: async (app) => (await ask()).head(app),
    get: async (app, number) => (await ask()).get(app, number),
    list: async (app, page) => (await ask()).list(app, page),
    append: async (...asked) => (await ask()).append(...asked),
    apps: async () => (await ask()).apps(),
    watch: async (app, tell) => (await ask()).watch(app, tell),
    trouble: () => opened?.trouble?.(),
    close: async () => (isAsked ? (await openOnce().catch(() => undefined))?.close() : undefined),
  };
}
