/**
 * The work queue: names only, each at most once. What to do about a name is decided when its turn comes, from state, so an
 * event that comes twice, late or never changes nothing but the time.
 *
 * A name never runs twice at once; added while it runs, it runs again afterwards. A name waits while one that it depends on
 * is queued or running; independent names run side by side.
 */
export interface Queue {
  /** Names that come together are queued together, so that those which others depend on go first. */
  readonly add: (...names: readonly string[]) => void;
  /** Adds the name later; an earlier date stands, and `add` comes before any date. */
  readonly addAfter: (name: string, milliseconds: number) => void;
  /** Resolves when nothing runs and nothing is queued; dates in the future do not count. */
  readonly idle: () => Promise<void>;
  /** Takes nothing new and resolves when what runs has ended. */
  readonly close: () => Promise<void>;
}

export interface QueueOptions {
  readonly run: (name: string) => Promise<void>;
  readonly parallel: number;
  /** The names that must not be queued or running when `name` starts, all of them, not only the nearest. */
  readonly after?: (name: string) => Iterable<string>;
}

interface Appointment {
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

export function createQueue({ run, parallel, after = () => [] }: QueueOptions): Queue {
  const queued = new Set<string>();
  const running = new Set<string>();
  const appointments = new Map<string, Appointment>();
  let waiters: (() => void)[] = [];
  let closed = false;

  const add = (...names: readonly string[]): void => {
    if (closed) return;
    for (const name of names) {
      cancelAppointment(name);
      queued.add(name);
    }
    startWhatCan();
  };

  const addAfter = (name: string, milliseconds: number): void => {
    const at = Date.now() + milliseconds;
    const earlier = appointments.get(name);
    if (closed || queued.has(name) || (earlier !== undefined && earlier.at <= at)) return;
    cancelAppointment(name);
    appointments.set(name, { at, timer: setTimeout(() => add(name), milliseconds) });
  };

  const cancelAppointment = (name: string): void => {
    clearTimeout(appointments.get(name)?.timer);
    appointments.delete(name);
  };

  const startWhatCan = (): void => {
    if (running.size < parallel) {
      for (const name of queued) {
        if (running.has(name) || isHeldBack(name)) continue;
        queued.delete(name);
        running.add(name);
        void turn(name);
        if (running.size >= parallel) break;
      }
    }
    if (running.size > 0 || (queued.size > 0 && !closed)) return;
    for (const wake of waiters.splice(0)) wake();
  };

  const isHeldBack = (name: string): boolean => {
    for (const other of after(name)) if (other !== name && (queued.has(other) || running.has(other))) return true;
    return false;
  };

  const turn = async (name: string): Promise<void> => {
    try {
      await run(name);
    } finally {
      running.delete(name);
      startWhatCan();
    }
  };

  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      waiters.push(resolve);
      startWhatCan();
    });

  return {
    add,
    addAfter,
    idle,
    close: async () => {
      closed = true;
      queued.clear();
      for (const name of [...appointments.keys()]) cancelAppointment(name);
      await idle();
      waiters = [];
    },
  };
}
