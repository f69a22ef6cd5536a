// A server on mcp-framework, which finds what it has in the folders beside this file. The port is the first argument.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { MCPServer } from "mcp-framework";

const options = { port: Number(process.argv[2]), host: "127.0.0.1" };
const server = new MCPServer({
  name: "mcp-framework",
  version: "1.0.0",
  basePath: dirname(fileURLToPath(import.meta.url)),
  transport: { type: "http-stream", options },
});
await server.start();
