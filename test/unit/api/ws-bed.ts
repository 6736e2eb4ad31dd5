import { once } from "node:events";
import { type ClientOptions, WebSocket } from "ws";
import { defaultLimits, type HttpSettings, type Limits } from "../../../src/api/http/parts.ts";
import { type HttpApi, serveHttp } from "../../../src/api/http/serve.ts";
import type { JsonTree } from "../../../src/config/json.ts";
import { createFakeTrees, type FakeTrees } from "./fake-trees.ts";
import { createBed, type Who, whoIsKnown } from "./http-bed.ts";

/** A real server on loopback, with apps that a test changes by hand. */
export interface WsBed {
  readonly trees: FakeTrees;
  readonly api: HttpApi;
  /** `ws://127.0.0.1:PORT`. */
  readonly at: string;
  readonly open: (app: string, options?: ClientOptions & { readonly who?: Who }) => Promise<Client>;
}

export interface Client {
  readonly socket: WebSocket;
  /** The next message that has not been asked for yet. */
  readonly next: () => Promise<Message>;
  /** The code and reason that it was closed with. */
  readonly closed: Promise<readonly [number, string]>;
}

export interface Message {
  readonly type: string;
  readonly data: JsonTree;
  readonly changes?: readonly unknown[];
}

export interface WsOptions {
  readonly apps?: Readonly<Record<string, JsonTree>>;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<HttpSettings>;
}

export async function serveSockets({ apps = {}, limits = {}, settings = {} }: WsOptions = {}): Promise<WsBed> {
  const trees = createFakeTrees({ default: { web: { port: 8080 } }, ...apps });
  const { parts } = await createBed({ trees });
  const { keyOf } = await whoIsKnown();
  const api = await serveHttp(parts, {
    listen: [{ host: "127.0.0.1", port: 0 }],
    hosts: [],
    cors: [],
    limits: { ...defaultLimits, ...limits },
    ...settings,
  });
  const at = (api.addresses[0] ?? "").replace("http", "ws");
  const open: WsBed["open"] = async (app, { who, headers, ...options } = {}) => {
    const shown = who === undefined ? {} : keyOf(who);
    return connect(`${at}/ws/${app}`, { ...options, headers: { ...shown, ...headers } });
  };
  return { trees, api, at, open };
}

/** Rejects with the answer where there is no socket: `Unexpected server response: 404`. */
export async function connect(url: string, options: ClientOptions, protocols: string[] = []): Promise<Client> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
  const came: Message[] = [];
  const asked: ((message: Message) => void)[] = [];
  socket.on("message", (data: Buffer) => {
    const message: Message = JSON.parse(data.toString());
    const ask = asked.shift();
    if (ask === undefined) came.push(message);
    else ask(message);
  });
  const closed = new Promise<readonly [number, string]>((resolve) => {
    socket.once("close", (code, reason) => resolve([code, reason.toString()]));
  });
  const next = async (): Promise<Message> => {
    const known = came.shift();
    return known ?? new Promise((resolve) => void asked.push(resolve));
  };
  await once(socket, "open");
  socket.on("error", () => undefined);
  return { socket, next, closed };
}
