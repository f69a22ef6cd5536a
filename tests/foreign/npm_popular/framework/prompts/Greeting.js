import { MCPPrompt } from "mcp-framework";
import { z } from "zod";

export default class Greeting extends MCPPrompt {
  name = "greeting";
  description = "Greet somebody";
  schema = { name: { type: z.string(), description: "whom", required: true } };

  async generateMessages({ name }) {
    return [{ role: "user", content: { type: "text", text: `Greet ${name}.` } }];
  }
}
