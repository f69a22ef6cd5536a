/** What an empty conversation shows: how it works, examples (their words are in templates/chat.html), and what the tools of each server can do. */

import { byId, h } from "../ui/dom.js";
import { t } from "../ui/texts.js";
import { moreOf, nameOf } from "./servers.js";

export class Welcome {
  /** @param {(text: string) => void} say  sends an example */
  constructor(say) {
    this._element = byId("empty");
    this._offers = byId("offers");
    this._drawn = null;
    for (const example of this._element.querySelectorAll("[data-example]")) {
      example.addEventListener("click", () => say(example.getAttribute("data-example") ?? ""));
    }
  }

  update({ ready, order, forks, servers }) {
    this._element.hidden = !ready || order.length > 0 || forks.length > 0; // removed messages can be restored
    if (this._element.hidden || servers === this._drawn) return;
    this._drawn = servers;
    this._offers.replaceChildren(...servers.map(offers));
  }
}

function offers(server) {
  return h("section", { class: "offer", "data-status": server.status },
    h("h3", {}, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { dir: "auto" }, nameOf(server)), h("span", { class: "muted" }, note(server))),
    h("ul", { class: "chips" },
      server.offers.map(({ title, description }) => h("li", { class: "chip", title: description, dir: "auto" }, title)),
      moreOf(server)));
}

function note({ status, tools, sign_in_url: signInUrl }) {
  if (status === "ready") return tools === 0 ? t("no tools") : "";
  return { connecting: t("connecting…"), down: t("unavailable at the moment"), key_refused: t("refuses the key that the operator has set"), sign_in: signInUrl ? t("needs you to sign in") : t("wants a sign-in that this chat does not have") }[status];
}
