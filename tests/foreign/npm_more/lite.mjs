// A server on mcp-lite, an implementation of its own without sessions. The port is the first argument.
import { serve } from "@hono/node-server";
import { McpServer, StreamableHttpTransport } from "mcp-lite";
import { z } from "zod";

const server = new McpServer({ name: "mcp-lite", version: "1", schemaAdapter: (schema) => z.toJSONSchema(schema) });
server.tool("add", {
  description: "Adds",
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  outputSchema: z.object({ sum: z.number() }),
  handler: ({ a, b }) => ({ content: [{ type: "text", text: `${a + b}` }], structuredContent: { sum: a + b } }),
});
server.tool("wait", {
  description: "Waits",
  inputSchema: z.object({ seconds: z.number() }),
  handler: async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return { content: [{ type: "text", text: "waited" }] };
  },
});
server.prompt("greeting", {
  description: "Greets",
  arguments: z.object({ name: z.string() }),
  handler: ({ name }) => ({ messages: [{ role: "user", content: { type: "text", text: `Greet ${name}.` } }] }),
});
server.resource("note://one", { name: "note" }, async (uri) => ({
  contents: [{ uri: uri.href, type: "text", text: "a note" }],
}));
const handle = new StreamableHttpTransport().bind(server);
serve({ fetch: (request) => handle(request), port: Number(process.argv[2]), hostname: "127.0.0.1" });
