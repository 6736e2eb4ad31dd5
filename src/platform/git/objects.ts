import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { ConfigSyncError } from "../../errors.ts";
import { endGroup, type Git } from "../git.ts";

export interface GitObject {
  readonly type: string;
  readonly bytes: Buffer;
}

export interface GitObjects {
  /** What the name stands for: an object's id, or `commit:path`. Undefined where there is none. Throws HISTORY_UNUSABLE. */
  readonly read: (name: string) => Promise<GitObject | undefined>;
  readonly close: () => void;
}

/** Milliseconds without a question after which the process ends. */
const idleTime = 5000;
const answerTime = 30_000;

/** Objects by one `git cat-file --batch`: started at the first question, kept while it is used. Questions may overtake nobody. */
export function openObjects(git: Git): GitObjects {
  let running: Conversation | undefined;
  let timer: NodeJS.Timeout | undefined;
  let asked = 0;

  const close = (): void => {
    clearTimeout(timer);
    running?.end();
    running = undefined;
  };

  const read = async (name: string): Promise<GitObject | undefined> => {
    if (/[\n\0]/.test(name)) return undefined;
    running = running?.isOver() === false ? running : converse(git);
    clearTimeout(timer);
    asked++;
    try {
      return await running.ask(name);
    } finally {
      asked--;
      if (asked === 0) timer = setTimeout(close, idleTime).unref();
    }
  };

  return { read, close };
}

interface Conversation {
  readonly ask: (name: string) => Promise<GitObject | undefined>;
  readonly isOver: () => boolean;
  readonly end: () => void;
}

interface Question {
  readonly answer: (object: GitObject | undefined) => void;
  readonly fail: (error: ConfigSyncError) => void;
}

function converse(git: Git): Conversation {
  const child = git.start(["cat-file", "--batch"]);
  const questions: Question[] = [];
  let received: Buffer[] = [];
  let size = 0;
  /** Bytes that are needed before it is worth looking again: a large object comes in many pieces. */
  let needed = 0;
  let isOver = false;

  const fail = (why: string): void => {
    isOver = true;
    endGroup(child);
    const error = new ConfigSyncError("HISTORY_UNUSABLE", `git cat-file ${why}`);
    for (const question of questions.splice(0)) question.fail(error);
  };

  const take = (chunk: Buffer): void => {
    received.push(chunk);
    size += chunk.length;
    if (size < needed) return;
    let bytes = received.length === 1 ? chunk : Buffer.concat(received);
    for (;;) {
      const reply = parseReply(bytes);
      needed = reply.needed;
      if (reply.length === undefined) break;
      questions.shift()?.answer(reply.object);
      bytes = bytes.subarray(reply.length);
    }
    received = bytes.length === 0 ? [] : [bytes];
    size = bytes.length;
  };

  child.stdout.on("data", take);
  child.stderr.resume();
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => fail(`cannot be started: ${error.message}`));
  child.on("close", () => fail("ended"));
  letGo(child);

  return {
    isOver: () => isOver,
    end: () => child.stdin.end(),
    ask: (name) => {
      const { promise, resolve, reject } = Promise.withResolvers<GitObject | undefined>();
      // Holds the process alive while somebody waits, which the child itself does not.
      const late = setTimeout(() => fail("did not answer"), answerTime);
      const done = <Value>(then: (value: Value) => void) => {
        return (value: Value) => {
          clearTimeout(late);
          then(value);
        };
      };
      questions.push({ answer: done(resolve), fail: done(reject) });
      child.stdin.write(`${name}\n`);
      return promise;
    },
  };
}

/** A reader that is left open keeps no program from ending. */
function letGo(child: ChildProcessWithoutNullStreams): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) {
    if ("unref" in pipe && typeof pipe.unref === "function") pipe.unref();
  }
}

interface Reply {
  /** Bytes that the whole reply takes; undefined when it is not all there. */
  readonly length: number | undefined;
  readonly needed: number;
  readonly object?: GitObject | undefined;
}

/** `ID TYPE SIZE`, a line end, the bytes, a line end; or `NAME missing` and a line end. */
function parseReply(bytes: Buffer): Reply {
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd === -1) return { length: undefined, needed: bytes.length + 1 };
  const line = bytes.toString("utf8", 0, lineEnd);
  const [, type = "", length = ""] = /^[0-9a-f]{40,64} (\w+) (\d+)$/.exec(line) ?? [];
  if (type === "") return { length: lineEnd + 1, needed: 0 };
  const from = lineEnd + 1;
  const to = from + Number(length);
  if (bytes.length <= to) return { length: undefined, needed: to + 1 };
  // A copy: a small object must not hold on to the whole chunk that it came in.
  return { length: to + 1, needed: 0, object: { type, bytes: Buffer.from(bytes.subarray(from, to)) } };
}
