/**
 * The MCP servers of this chat: a summary that is always in view, and a menu with each one's state and tools, where the
 * person signs in for a server, and out of it.
 */

import { button } from "../ui/button.js";
import { byId, h, setText } from "../ui/dom.js";
import { anchored } from "../ui/popover.js";
import { t, tn } from "../ui/texts.js";

const TROUBLED = ["down", "sign_in", "key_refused"];

export class Servers {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    /** @type {Map<string, {shown: string, element: HTMLElement}>} by the server's name */
    this._rows = new Map();
    this._opener = byId("servers");
    this._summary = byId("servers-summary");
    this._list = byId("servers-list");
    this._drawn = null;
    anchored(this._opener, byId("servers-menu"));
  }

  update({ servers }) {
    if (servers === this._drawn) return;
    this._drawn = servers;
    this._opener.hidden = servers.length === 0;
    this._opener.dataset.status = worst(servers);
    setText(this._summary, summary(servers));
    this._opener.title = this._summary.textContent;
    const troubledFirst = [...servers].sort((one, other) => Number(isTroubled(other)) - Number(isTroubled(one)));
    this._list.replaceChildren(...troubledFirst.map((server) => this._row(server)));
  }

  /** A server that has not changed keeps its row, and with it the focus and what is unfolded. */
  _row(server) {
    const shown = JSON.stringify(server);
    const before = this._rows.get(server.name);
    if (before?.shown === shown) return before.element;
    const element = row(server, () => this._signOut(server));
    this._rows.set(server.name, { shown, element });
    return element;
  }

  async _signOut(server) {
    try {
      await this._context.commands.signOutOf(server.name);
      this._context.announce(t("You are signed out of {server}.", { server: nameOf(server) }));
    } catch (error) {
      this._context.report(error);
    }
  }
}

/** Return what a person calls a server. */
export function nameOf({ title, name }) {
  return title || name;
}

/** Return the last item of a list of a server's tools, which says how many more there are, or null. */
export function moreOf({ tools, offers }) {
  const left = tools - offers.length;
  return left > 0 ? h("li", { class: "muted" }, tn("and {count} more", "and {count} more", left)) : null;
}

function isTroubled({ status }) {
  return TROUBLED.includes(status);
}

function worst(servers) {
  const has = (wanted) => servers.some(({ status }) => status === wanted);
  return servers.some(isTroubled) ? "down" : has("connecting") ? "connecting" : "ready";
}

function summary(servers) {
  const troubled = servers.filter(isTroubled);
  if (troubled.length > 1) return tn("{count} server down", "{count} servers down", troubled.length);
  if (troubled.length > 0) return trouble(troubled[0]);
  if (worst(servers) === "connecting") return t("Connecting…");
  return tn("{count} tool", "{count} tools", servers.reduce((sum, { tools }) => sum + tools, 0));
}

function trouble(server) {
  const values = { server: nameOf(server) };
  if (server.status === "key_refused") return t("{server} refuses its key", values);
  return server.status === "sign_in" ? t("{server} needs a sign-in", values) : t("{server} unavailable", values);
}

function row(server, signOut) {
  const { status, message, offers, sign_in_url: signInUrl, signed_in: signedIn } = server;
  const title = nameOf(server);
  return h("li", { class: "server", "data-status": status },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", { class: "menu-name", dir: "auto" }, title),
    h("span", { class: "menu-note" }, stateWords(server)),
    message && status === "ready" ? h("span", { class: "menu-note", dir: "auto" }, message) : null,
    message && status !== "ready" ? details(message) : null,
    signInUrl ? h("a", { class: "menu-note", href: signInUrl }, t("Sign in for {server}", { server: title })) : null,
    signedIn ? button(t("Sign out of {server}", { server: title }), signOut, { kind: "link" }) : null,
    offers.length > 0 ? h("ul", { class: "tools", "aria-label": t("Tools of {server}", { server: title }) }, offers.map(tool), moreOf(server)) : null);
}

function stateWords({ status, tools, sign_in_url: signInUrl }) {
  const words = {
    connecting: () => t("Connecting…"),
    ready: () => tn("{count} tool", "{count} tools", tools),
    down: () => t("Unavailable. It is tried again every few seconds."),
    key_refused: () => t("Refuses the key that the operator has set"),
    sign_in: () => (signInUrl ? t("Needs you to sign in") : t("Wants a sign-in that this chat does not have")),
  };
  return words[status]?.() ?? status;
}

function details(message) {
  return h("details", { class: "menu-note" }, h("summary", {}, t("Details")), h("span", { dir: "auto" }, message));
}

function tool({ title, description }) {
  return h("li", {}, h("span", { class: "tool-title", dir: "auto" }, title), h("span", { class: "menu-note", dir: "auto" }, description));
}
