// An MCP server behind Cloudflare's workers-oauth-provider, outside of a worker. The port is the first argument.
import { createServer } from "node:http";
import { register } from "node:module";
import { answer, readRequest, send } from "./notes.mjs";

register(`data:text/javascript,export const resolve = (name, context, next) => name === "cloudflare:workers"
  ? { url: "data:text/javascript,export class WorkerEntrypoint {}", shortCircuit: true } : next(name, context);`);
const { OAuthProvider } = await import("@cloudflare/workers-oauth-provider");

const origin = `http://127.0.0.1:${process.argv[2]}`;
const kept = new Map();
const store = {
  get: async (key, kind) => {
    const value = kept.get(key) ?? null;
    return value !== null && (kind === "json" || kind?.type === "json") ? JSON.parse(value) : value;
  },
  put: async (key, value) => void kept.set(key, value),
  delete: async (key) => void kept.delete(key),
  list: async ({ prefix = "" } = {}) => {
    const names = [...kept.keys()].filter((name) => name.startsWith(prefix));
    return { keys: names.map((name) => ({ name })), list_complete: true };
  },
};
const page = '<form method="post"><input name="login"><button name="answer" value="allow">Allow</button></form>';
const consent = async (request, env) => {
  const asked = await env.OAUTH_PROVIDER.parseAuthRequest(new Request(request.url));
  if (request.method === "GET") return new Response(page, { headers: { "Content-Type": "text/html" } });
  const person = new URLSearchParams(await request.text()).get("login");
  const granted = { request: asked, userId: person, scope: asked.scope, metadata: {}, props: { person } };
  return Response.redirect((await env.OAUTH_PROVIDER.completeAuthorization(granted)).redirectTo, 302);
};
const provider = new OAuthProvider({
  apiRoute: "/mcp",
  apiHandler: { fetch: (request, _, context) => answer(request, context.props.person) },
  defaultHandler: { fetch: consent },
  authorizeEndpoint: "/authorize",
  tokenEndpoint: "/token",
  clientRegistrationEndpoint: "/register",
  scopesSupported: ["notes"],
  resourceMetadata: { resource: `${origin}/mcp`, scopes_supported: ["notes"] },
});
createServer(async (incoming, outgoing) => {
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
  const request = await readRequest(incoming, origin);
  await send(outgoing, await provider.fetch(request, { OAUTH_KV: store }, context));
}).listen(Number(process.argv[2]), "127.0.0.1");
