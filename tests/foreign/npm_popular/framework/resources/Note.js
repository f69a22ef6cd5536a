import { MCPResource } from "mcp-framework";

export default class Note extends MCPResource {
  uri = "note://one";
  name = "note";
  description = "A note";
  mimeType = "text/plain";

  async read() {
    return [{ uri: this.uri, mimeType: this.mimeType, text: "a note" }];
  }
}
