import type { History, RevisionInfo } from "./history.ts";

export interface Watchers {
  readonly watch: History["watch"];
  /** Tells everyone who watches the app. What a listener throws is thrown on its own, not at whoever appends. */
  readonly tell: (app: string, revision: RevisionInfo) => void;
  readonly isWatched: () => boolean;
}

/** Who wants to know of new revisions, in this process. */
export function createWatchers(): Watchers {
  const listeners = new Map<symbol, { readonly app: string; readonly tell: (revision: RevisionInfo) => void }>();
  return {
    watch: async (app, tell) => {
      const key = Symbol(app);
      listeners.set(key, { app, tell });
      return async () => void listeners.delete(key);
    },
    tell: (app, revision) => {
      for (const [key, listener] of listeners) {
        if (listener.app === app) queueMicrotask(() => listeners.has(key) && listener.tell(revision));
      }
    },
    isWatched: () => listeners.size > 0,
  };
}
