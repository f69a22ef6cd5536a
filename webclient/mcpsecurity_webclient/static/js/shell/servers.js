/** The MCP servers of this chat: a summary that is always in view, and a menu with each one's state. */

import { byId, h, setText } from "../ui/dom.js";
import { anchored } from "../ui/popover.js";

const WORDS = { connecting: "connecting", ready: "ready", down: "not reachable", sign_in: "needs you to sign in again" };

export class Servers {
  constructor() {
    this._opener = byId("servers");
    this._summary = byId("servers-summary");
    this._menu = byId("servers-menu");
    this._drawn = null;
    anchored(this._opener, this._menu);
  }

  update({ servers }) {
    if (servers === this._drawn) return;
    this._drawn = servers;
    const troubled = servers.filter(({ status }) => status === "down" || status === "sign_in");
    this._opener.hidden = servers.length === 0;
    this._opener.dataset.status = troubled.length > 0 ? "down" : servers.every(({ status }) => status === "ready") ? "ready" : "connecting";
    setText(this._summary, troubled.length > 0 ? troubled.map(trouble).join(", ") : summary(servers));
    this._menu.replaceChildren(h("h2", { class: "menu-title" }, "MCP servers"), h("ul", {}, servers.map(row)));
  }
}

function trouble(server) {
  return nameOf(server) + (server.status === "sign_in" ? " needs a sign-in" : " down");
}

function row(server) {
  const { name, status, tools, message, sign_in_url: signInUrl } = server;
  const title = nameOf(server);
  return h("li", { class: "server", "data-status": status },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", { class: "menu-name" }, title),
    h("span", { class: "menu-note" }, [title === name ? null : name, WORDS[status] ?? status, status === "ready" ? count(tools, "tool") : null].filter(Boolean).join(" · ")),
    message ? h("span", { class: "menu-note" }, message) : null,
    signInUrl ? h("a", { class: "menu-note", href: signInUrl }, `Sign in for ${title}`) : null);
}

function summary(servers) {
  const tools = servers.reduce((sum, server) => sum + (server.tools ?? 0), 0);
  return servers.length === 1 ? `${nameOf(servers[0])} · ${count(tools, "tool")}` : `${servers.length} servers · ${count(tools, "tool")}`;
}

function nameOf({ title, name }) {
  return title || name;
}

function count(number, word) {
  return number === 1 ? `1 ${word}` : `${number} ${word}s`;
}
