/** The line that stays where a question was, saying how it ended. Never what was typed. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { webAddress } from "./visit.js";

const WORDS = {
  accept: (server) => `You answered ${server}.`,
  decline: (server) => `You declined the request from ${server}.`,
  cancel: (server) => `The request from ${server} was cancelled.`,
  restart: (server) => `The request from ${server} was cancelled, because the service was restarted.`,
  expired: (server) => `Expired: there was no answer in time, so ${server} did not get one.`,
};

/** @param {any} outcome  @param {PageContext} context */
export function outcomeLine({ server, action, by, mode, url }, context) {
  const kind = { timeout: "expired", restart: "restart" }[by] ?? action;
  const element = h("p", { class: "request-outcome" }, (WORDS[kind] ?? WORDS.cancel)(context.serverTitle(server)));
  if (mode === "url" && action === "accept" && webAddress(url)) {
    element.append(" ", h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open the address again"));
  }
  const again = kind === "expired" ? button("Ask again", () => context.regenerate(), { kind: "link", hidden: true }) : null;
  if (again) element.append(" ", again);
  return { element, update: (mayAskAgain) => again && (again.hidden = !mayAskAgain) };
}
