// A server on @hono/mcp, with one transport for the one client that it has. The port is the first argument.
import { StreamableHTTPTransport } from "@hono/mcp";
import { serve } from "@hono/node-server";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { Hono } from "hono";
import { z } from "zod";

const sessions = new Map();

async function opened() {
  const server = new McpServer({ name: "Hono", version: "1" });
  server.registerTool("add", { inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => ({
    content: [{ type: "text", text: `${a + b}` }],
  }));
  server.registerTool("wait", { inputSchema: { seconds: z.number() } }, async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return { content: [{ type: "text", text: "waited" }] };
  });
  server.registerTool("greet", { description: "Asks for a name" }, async () => {
    const requestedSchema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
    const answer = await server.server.elicitInput({ message: "What is your name?", requestedSchema });
    return { content: [{ type: "text", text: `Hello ${answer.content?.name ?? answer.action}` }] };
  });
  const transport = new StreamableHTTPTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  await server.connect(transport);
  return transport;
}

const app = new Hono();
app.all("/mcp", async (context) => {
  const id = context.req.header("mcp-session-id");
  if (id && !sessions.has(id)) return context.json({ error: "no such session" }, 404);
  return (id ? sessions.get(id) : await opened()).handleRequest(context);
});
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: "127.0.0.1" });
