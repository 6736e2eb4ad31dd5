/** What the routes work with. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { EventLog } from "./event-log.ts";
import type { EventStream } from "./event-stream.ts";
import type { Metrics } from "./metrics.ts";
import type { ApiParts, HttpSettings } from "./parts.ts";
import type { Reader } from "./ws-reader.ts";

export interface Api extends ApiParts {
  readonly settings: HttpSettings;
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly streams: Set<EventStream>;
  /** Of apps, by WebSocket. */
  readonly sockets: Set<Reader>;
  /** Aborted when the server ends: what is held is answered as it stands. */
  readonly stopping: AbortSignal;
  /** Aborted when the daemon ends: until then who came by its own socket is answered, also where another server took over. */
  readonly ending: AbortSignal;
}

export type Server = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Of everything but the classic API and what is there for whoever runs the daemon. */
export const prefix = "/api/v1";
