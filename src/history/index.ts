import { isAbsolute, join, resolve } from "node:path";
import { type ZodType, z } from "zod";
import type { History } from "./history.ts";

/** What a history is opened with. */
export interface HistoryContext {
  /** Base folder for relative paths. */
  readonly folder: string;
  /** The state folder. */
  readonly state: string;
  /** For the log: what was mended, and what goes wrong in the background. */
  readonly tell: (message: string) => void;
}

/** A kind of history: one file a kind, one object here, one arm in `historySchema` and in `openHistory`. */
interface HistoryKind<Spec> {
  /** The key in config-sync.yaml that names the kind. */
  readonly kind: string;
  /** The entry in config-sync.yaml, that key included. */
  readonly schema: ZodType<Spec>;
  readonly open: (spec: Spec, context: HistoryContext) => Promise<History>;
}

const noPart = (written: unknown): unknown => written ?? {};
const word = z.string().regex(/^[^\s\x00-\x1f\x7f-]\S*$/, "is not a word");

const gitSchema = z.strictObject({
  git: z.preprocess(
    noPart,
    z.strictObject({
      /** The bare repository; `history` in the state folder without it. */
      folder: z.string().min(1).optional(),
      /** Another repository that gets every revision, such as one in a Gitea. It is never waited for. */
      push: z
        .strictObject({
          /** `https://user:password@host/owner/name.git`, `ssh://git@host/name.git`, `git@host:name.git`, or a folder. */
          url: word,
          branch: word.prefault("main"),
        })
        .optional(),
    }),
  ),
});

const git: HistoryKind<z.output<typeof gitSchema>> = {
  kind: "git",
  schema: gitSchema,
  open: async (spec, { folder: base, state, tell }) => {
    const { gitHistory } = await import("./git.ts");
    const { folder, push } = spec.git;
    const at = folder === undefined ? join(state, "history") : resolve(base, folder);
    return gitHistory({ folder: at, push: push && { ...push, url: absoluteUrl(push.url, base) }, tell });
  },
};

const memorySchema = z.strictObject({ memory: z.literal(true) });

const memory: HistoryKind<z.output<typeof memorySchema>> = {
  kind: "memory",
  schema: memorySchema,
  open: async () => (await import("./memory.ts")).memoryHistory(),
};

/** `history` in config-sync.yaml: `{git: {push: {url: …}}}` or `{memory: true}`. */
export const historySchema = z.union([git.schema, memory.schema]);
export type HistorySpec = z.output<typeof historySchema>;

/** Where nothing is said. */
export const defaultHistory: HistorySpec = { git: {} };

/** Opens the history of the settings. Throws HISTORY_UNUSABLE where the machine does not have what it needs. */
export function openHistory(spec: HistorySpec, context: HistoryContext): Promise<History> {
  return "git" in spec ? git.open(spec, context) : memory.open(spec, context);
}

/** A path is one of the workspace; anything with a colon before its first slash is another host. */
function absoluteUrl(url: string, base: string): string {
  return isAbsolute(url) || /^[^/]+:/.test(url) ? url : resolve(base, url);
}
