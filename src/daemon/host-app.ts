import type { Door } from "../apps/door.ts";
import type { HostApp } from "../apps/host-app.ts";

export interface HostContext<Running> {
  /** What runs at this moment. */
  readonly running: () => Running;
  /** The same, for work that must not begin on one whose place is being taken: then the next one. */
  readonly present: () => Promise<Running>;
}

/** The app of whatever workspace runs: it stays the same one when another takes its place. */
export function hostApp({ running, present }: HostContext<{ readonly door: Door }>): HostApp {
  return {
    name: running().door.name,
    current: () => {
      const { snapshot, revision, problems } = running().door.current();
      return { snapshot, head: revision, problems };
    },
    change: async (request) => (await present()).door.change(request),
    isWritable: (path) => running().door.isWritable(path),
    revisions: async (page) => (await present()).door.revisions.list(page),
    revision: async (number) => (await present()).door.revisions.get(number),
    read: async (revision) => running().door.read(revision),
  };
}
