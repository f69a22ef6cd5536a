import { MCPTool } from "mcp-framework";
import { z } from "zod";

export default class Fail extends MCPTool {
  name = "fail";
  description = "Fail";
  schema = z.object({});

  async execute() {
    throw new Error("as it should");
  }
}
