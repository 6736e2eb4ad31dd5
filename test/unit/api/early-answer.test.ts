import { setImmediate as endOfTurn } from "node:timers/promises";
import fastify, { type FastifyReply } from "fastify";
import { describe, expect, it } from "vitest";
import { type EarlyAnswer, earlyAnswer } from "../../../src/api/http/early-answer.ts";

interface Counted {
  readonly of: string;
  readonly composed: number;
}

type Way = (answer: EarlyAnswer<string, { of: string; composed: number }>) => Promise<Counted>;

/** What a client gets of a handler that answers in this way, "composed" counting how often that was done. */
async function answered(
  way: Way,
  compose = (of: string, composed: number) => ({ of, composed }),
  onSend: () => void = () => undefined,
) {
  const server = fastify();
  server.setErrorHandler<Error>(({ message }, _request, reply) => reply.code(500).send({ message }));
  server.addHook("onSend", async (_request, { statusCode }) => {
    if (statusCode === 200) onSend();
  });
  const properties = { of: { type: "string" }, composed: { type: "number" } };
  server.get(
    "/",
    { schema: { response: { 200: { type: "object", properties } } } },
    async (_request, reply: FastifyReply) => {
      let composed = 0;
      return way(earlyAnswer(reply, (of: string) => compose(of, ++composed)));
    },
  );
  const { statusCode, headers, body } = await server.inject("/");
  await server.close();
  return { statusCode, type: headers["content-type"], body: JSON.parse(body) };
}

const type = "application/json; charset=utf-8";
const prepared: Way = async ({ prepare, give }) => {
  prepare("change");
  await endOfTurn();
  return give("change");
};

describe("an early answer", () => {
  it("is composed while something else is waited for, and once", async () => {
    let between = 0;
    const way: Way = async ({ prepare, give }) => {
      prepare("change");
      await endOfTurn();
      between += 1;
      return give("change");
    };
    const compose = (of: string, composed: number) => ({ of, composed: composed + between * 10 });
    expect(await answered(way, compose)).toEqual({ statusCode: 200, type, body: { of: "change", composed: 1 } });
  });

  it("is composed when it is given where there was no time before, or nothing was prepared", async () => {
    const atOnce: Way = async ({ prepare, give }) => {
      prepare("change");
      return give("change");
    };
    const body = { of: "change", composed: 1 };
    expect(await answered(atOnce)).toEqual({ statusCode: 200, type, body });
    expect(await answered(async ({ give }) => give("change"))).toEqual({ statusCode: 200, type, body });
  });

  it("is none where a hook behind the handler fails", async () => {
    const onSend = (): never => {
      throw new Error("not to be sent");
    };
    expect(await answered(prepared, undefined, onSend)).toMatchObject({
      statusCode: 500,
      body: { message: "not to be sent" },
    });
  });

  it("fails for whoever asked, and for nobody else", async () => {
    const compose = (): never => {
      throw new Error("no words for it");
    };
    expect(await answered(prepared, compose)).toMatchObject({ statusCode: 500, body: { message: "no words for it" } });
  });
});
