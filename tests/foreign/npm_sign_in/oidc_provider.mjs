// An MCP server whose people sign in at an oidc-provider (https://github.com/panva/node-oidc-provider): clients
// register, tokens are for one resource, refresh tokens are good once, and `write_note` needs a scope more. The
// port is the first argument; the authorization server has the one of the second.
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { answer, readRequest, send } from "./notes.mjs";

const [port, issuerPort] = process.argv.slice(2).map(Number);
const origin = `http://127.0.0.1:${port}`;
const issuer = `http://127.0.0.1:${issuerPort}`;
const resource = `${origin}/mcp`;
const metadata = "/.well-known/oauth-protected-resource/mcp";

const provider = new Provider(issuer, {
  scopes: ["openid", "offline_access"],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    registration: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: "notes notes:write", audience: resource, accessTokenFormat: "opaque" }),
      useGrantedResource: () => true,
    },
  },
  rotateRefreshToken: true,
});
createServer(provider.callback()).listen(issuerPort, "127.0.0.1");

const refuse = (outgoing, status, error) => {
  const where = `resource_metadata="${origin}${metadata}"`;
  outgoing.writeHead(status, { "WWW-Authenticate": `Bearer error=${error}, ${where}` }).end();
};

createServer(async (incoming, outgoing) => {
  if (incoming.url === metadata) {
    const body = { resource, authorization_servers: [issuer], scopes_supported: ["notes"] };
    return send(outgoing, Response.json(body));
  }
  const token = (incoming.headers.authorization ?? "").replace("Bearer ", "");
  const found = token ? await provider.AccessToken.find(token) : undefined;
  if (!found || found.aud !== resource) return refuse(outgoing, 401, '"invalid_token"');
  const request = await readRequest(incoming, origin);
  const writes = incoming.method === "POST" && (await request.clone().text()).includes('"write_note"');
  if (writes && !found.scope.split(" ").includes("notes:write")) {
    return refuse(outgoing, 403, '"insufficient_scope", scope="notes:write"');
  }
  return send(outgoing, await answer(request, found.accountId));
}).listen(port, "127.0.0.1");
