/** The apps of a daemon: `default` by its door, all others by the history of the workspace that runs at the moment. */

import type { Door } from "../apps/door.ts";
import { createDoorTree } from "../apps/door-tree.ts";
import type { TreeHistory } from "../apps/stored-tree.ts";
import type { TreeApps } from "../apps/tree-app.ts";
import { openTrees } from "../apps/trees.ts";
import type { PathTest } from "../config/pattern.ts";
import type { History } from "../history/history.ts";
import { systemClock } from "../platform/clock.ts";
import type { Engine } from "../sync/engine.ts";
import type { Emit } from "../sync/events.ts";
import { secretsOf, type Workspace } from "../workspace.ts";
import { type HostContext, hostApp } from "./host-app.ts";

export interface Hosting {
  readonly workspace: Workspace;
  readonly door: Door;
  readonly history: History;
  readonly engine: Pick<Engine, "lookAgain">;
}

export interface HostTreesContext extends HostContext<Hosting> {
  readonly listen: (listener: Emit) => Disposable;
}

/** Never throws: where the history cannot be read, whoever asks for an app is told so. */
export function openHostTrees({ running, present, listen }: HostTreesContext): Promise<TreeApps> {
  const isSecret = secretTest(() => running().workspace);
  const host = createDoorTree({
    ...hostApp({ running, present }),
    rehearse: async (request) => (await present()).door.rehearse(request),
    isSecret,
    lookAgain: () => running().engine.lookAgain(),
    listen: (listener) => {
      listen((event) => {
        if (event.type === "revision") listener();
      });
    },
  });
  const history = presentHistory(present);
  return openTrees(host, {
    history: () => history,
    clock: systemClock,
    digest: (text) => running().workspace.digest(text),
    isSecret,
    keys: () => running().workspace.keys?.(),
  });
}

function presentHistory(present: HostTreesContext["present"]): TreeHistory {
  return {
    head: async (app) => (await present()).history.head(app),
    get: async (app, number) => (await present()).history.get(app, number),
    list: async (app, page) => (await present()).history.list(app, page),
    append: async (...asked) => (await present()).history.append(...asked),
    apps: async () => (await present()).history.apps(),
  };
}

/** Patterns are read once for each workspace: the test is made of every value that is shown. */
function secretTest(workspace: () => Workspace): PathTest {
  let known: { readonly of: Workspace; readonly test: PathTest } | undefined;
  return (path) => {
    const of = workspace();
    if (known?.of !== of) known = { of, test: secretsOf(of.settings) };
    return known.test(path);
  };
}
