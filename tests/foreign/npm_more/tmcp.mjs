// A server on tmcp, an implementation of its own that speaks both eras. The port is the first argument.
import { serve } from "@hono/node-server";
import { ZodJsonSchemaAdapter } from "@tmcp/adapter-zod";
import { HttpTransport } from "@tmcp/transport-http";
import { McpServer } from "tmcp";
import { z } from "zod";

const server = new McpServer(
  { name: "tmcp", version: "1", description: "A server" },
  { adapter: new ZodJsonSchemaAdapter(), capabilities: { tools: { listChanged: true }, prompts: {}, resources: {} } },
);
server.tool(
  { name: "add", description: "Adds", schema: z.object({ a: z.number(), b: z.number() }) },
  ({ a, b }) => ({ content: [{ type: "text", text: `${a + b}` }] }),
);
server.tool(
  { name: "wait", description: "Waits", schema: z.object({ seconds: z.number() }) },
  async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return { content: [{ type: "text", text: "waited" }] };
  },
);
server.prompt({ name: "greeting", description: "Greets", schema: z.object({ name: z.string() }) }, ({ name }) => ({
  messages: [{ role: "user", content: { type: "text", text: `Greet ${name}.` } }],
}));
server.resource({ name: "note", description: "A note", uri: "note://one" }, () => ({
  contents: [{ uri: "note://one", text: "a note" }],
}));
const transport = new HttpTransport(server, { path: "/mcp" });
const fetch = async (request) => (await transport.respond(request)) ?? new Response(null, { status: 404 });
serve({ fetch, port: Number(process.argv[2]), hostname: "127.0.0.1" });
