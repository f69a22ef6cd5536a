// A server on the official TypeScript SDK 2 that serves revision 2026-07-28 and refuses the others.
// The port is the first argument.
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer, acceptedContent, createMcpHandler, inputRequired } from "@modelcontextprotocol/server";
import { z } from "zod";

const kinds = { name: z.string() };

function make() {
  const server = new McpServer({ name: "Modern in TypeScript", version: "1" });
  server.registerTool(
    "add",
    {
      description: "Adds",
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
    },
    ({ a, b }) => ({ content: [{ type: "text", text: `${a + b}` }], structuredContent: { sum: a + b } }),
  );
  server.registerTool("list", { outputSchema: z.array(z.int()) }, () => ({
    content: [{ type: "text", text: "[1,2]" }],
    structuredContent: [1, 2],
  }));
  server.registerTool("fail", {}, () => {
    throw new Error("as it should");
  });
  server.registerTool("wait", { inputSchema: z.object({ seconds: z.number() }) }, async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return { content: [{ type: "text", text: "waited" }] };
  });
  server.registerTool("greet", { description: "Asks for a name" }, async (context) => {
    const answered = acceptedContent(context.mcpReq.inputResponses, "who");
    if (answered) return { content: [{ type: "text", text: `Hello ${answered.name}` }] };
    const requestedSchema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
    return inputRequired({
      inputRequests: { who: inputRequired.elicit({ message: "What is your name?", requestedSchema }) },
    });
  });
  server.registerPrompt("greeting", { argsSchema: z.object(kinds) }, ({ name }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Greet ${name}.` } }],
  }));
  server.registerResource("note", "note://one", {}, (uri) => ({
    contents: [{ uri: uri.href, text: "a note" }],
  }));
  return server;
}

const handle = toNodeHandler(createMcpHandler(make, { legacy: "reject" }));
createServer((request, response) => handle(request, response)).listen(Number(process.argv[2]), "127.0.0.1");
