/** `node api-floor.ts PORT TEXT`: a fastify server with nothing but a handler that answers with this JSON. */
import { fastify } from "fastify";

const [port = "0", text = ""] = process.argv.slice(2);
const server = fastify();
server.get("/*", async (_request, reply) => reply.type("application/json; charset=utf-8").send(text));
await server.listen({ port: Number(port), host: "127.0.0.1" });
console.log("listening");
