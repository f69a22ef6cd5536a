import { MCPTool } from "mcp-framework";
import { z } from "zod";

export default class Wait extends MCPTool {
  name = "wait";
  description = "Wait";
  schema = z.object({ seconds: z.number().describe("how long") });

  async execute({ seconds }) {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return "waited";
  }
}
