// A server on @mastra/mcp 2, which serves revision 2026-07-28 only. The port is the first argument.
import { createServer } from "node:http";
import { createTool } from "@mastra/core/tools";
import { MCPServer } from "@mastra/mcp";
import { z } from "zod";

const add = createTool({
  id: "add",
  description: "Adds",
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  outputSchema: z.object({ sum: z.number() }),
  execute: async ({ a, b }) => ({ sum: a + b }),
});
const list = createTool({
  id: "list",
  description: "Lists numbers",
  inputSchema: z.object({ count: z.int().min(0).max(9) }),
  outputSchema: z.array(z.int()),
  execute: async ({ count }) => [...Array(count).keys()],
});
const wait = createTool({
  id: "wait",
  description: "Waits",
  inputSchema: z.object({ seconds: z.number() }),
  execute: async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return "waited";
  },
});
const server = new MCPServer({ id: "mastra", name: "Mastra", version: "1", tools: { add, list, wait } });
const port = Number(process.argv[2]);
createServer((req, res) =>
  server.startHTTP({ url: new URL(req.url, `http://127.0.0.1:${port}`), httpPath: "/mcp", req, res }),
).listen(port, "127.0.0.1");
