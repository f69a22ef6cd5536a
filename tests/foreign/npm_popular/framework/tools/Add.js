import { MCPTool } from "mcp-framework";
import { z } from "zod";

export default class Add extends MCPTool {
  name = "add";
  description = "Add two numbers";
  schema = z.object({ a: z.number().describe("one"), b: z.number().describe("the other") });

  async execute({ a, b }) {
    return a + b;
  }
}
