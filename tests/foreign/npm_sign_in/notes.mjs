// Answers one request to an MCP server with the tools `whoami` and `write_note`, for a person who is signed in.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";

const text = (words) => async () => ({ content: [{ type: "text", text: words }] });

export async function answer(request, person) {
  const server = new McpServer({ name: "Notes", version: "1" });
  server.registerTool("whoami", { description: "Says who is signed in" }, text(person));
  server.registerTool("write_note", { description: "Writes a note" }, text("written"));
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  return transport.handleRequest(request);
}

export const readRequest = async (incoming, origin) => {
  const chunks = await Array.fromAsync(incoming);
  const body = chunks.length ? Buffer.concat(chunks) : undefined;
  const headers = Object.entries(incoming.headers).filter(([name]) => name !== "connection");
  return new Request(`${origin}${incoming.url}`, { method: incoming.method, headers, body });
};

export const send = async (outgoing, response) => {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
};
