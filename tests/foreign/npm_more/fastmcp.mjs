// A server on the framework FastMCP for TypeScript. The port is the first argument.
import { FastMCP, UserError } from "fastmcp";
import { z } from "zod";

const server = new FastMCP({ name: "FastMCP in TypeScript", version: "1.0.0" });
server.addTool({
  name: "add",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => `${a + b}`,
});
server.addTool({
  name: "fail",
  execute: async () => {
    throw new UserError("as it should");
  },
});
server.addTool({
  name: "stream",
  annotations: { streamingHint: true, readOnlyHint: true },
  execute: async (_, { streamContent, reportProgress, log }) => {
    log.info("begun");
    await reportProgress({ progress: 1, total: 2 });
    await streamContent({ type: "text", text: "a part" });
    return "the end";
  },
});
server.addTool({
  name: "wait",
  parameters: z.object({ seconds: z.number() }),
  execute: async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return "waited";
  },
});
server.addPrompt({
  name: "greeting",
  arguments: [{ name: "name", required: true, enum: ["Ada", "Bob"] }],
  load: async ({ name }) => `Greet ${name}.`,
});
server.addResource({ uri: "note://one", name: "note", load: async () => ({ text: "a note" }) });
server.addResourceTemplate({
  uriTemplate: "note://by/{name}",
  name: "by name",
  arguments: [{ name: "name", required: true }],
  load: async ({ name }) => ({ text: `a note by ${name}` }),
});
await server.start({ transportType: "httpStream", httpStream: { port: Number(process.argv[2]), host: "127.0.0.1" } });
