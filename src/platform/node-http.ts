/**
 * Node's own HTTP client and server, without what `import "node:http"` brings along: an import of a built-in module reads all its
 * exports, among them WebSocket, and that loads all of undici (12 MB of memory and 10 ms at start that nobody here uses).
 */
export const http: typeof import("node:http") = process.getBuiltinModule("node:http");
