import type { History } from "./history.ts";

/**
 * A history that is opened when it is first asked, and again and again as long as that fails: what it keeps is worth a lot, and still
 * not that everything else waits for it. Every question fails meanwhile with the reason.
 */
export function reopening(open: () => Promise<History>): History {
  let opening: Promise<History> | undefined;
  let opened: History | undefined;
  const ask = async (): Promise<History> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    opened = await opening;
    return opened;
  };
  return {
    head: async (app) => (await ask()).head(app),
    get: async (app, number) => (await ask()).get(app, number),
    list: async (app, page) => (await ask()).list(app, page),
    append: async (app, draft, expected) => (await ask()).append(app, draft, expected),
    apps: async () => (await ask()).apps(),
    watch: async (app, tell) => (await ask()).watch(app, tell),
    trouble: () => opened?.trouble?.(),
    close: async () => (await opening?.catch(() => undefined))?.close(),
  };
}
