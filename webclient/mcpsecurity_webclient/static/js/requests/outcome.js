/** The line that stays where a question was and says how it ended. It never shows typed values. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { webAddress } from "./visit.js";

const WORDS = {
  accept: (server) => t("You answered {server}.", { server }),
  decline: (server) => t("You declined the request from {server}.", { server }),
  cancel: (server) => t("The request from {server} was cancelled.", { server }),
  restart: (server) => t("The request from {server} was cancelled, because the service was restarted.", { server }),
  expired: (server) => t("Expired: there was no answer in time, so {server} did not get one.", { server }),
};

/** @param {any} outcome  @param {PageContext} context */
export function outcomeLine({ server, action, by, mode, url }, context) {
  const kind = { timeout: "expired", restart: "restart" }[by] ?? action;
  const element = h("p", { class: "request-outcome", dir: "auto" }, (WORDS[kind] ?? WORDS.cancel)(context.serverTitle(server)));
  if (mode === "url" && action === "accept" && webAddress(url)) {
    element.append(" ", h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, t("Open the address again")));
  }
  const again = kind === "expired" ? button(t("Ask again"), () => context.regenerate(), { kind: "link", hidden: true }) : null;
  if (again) element.append(" ", again);
  return { element, update: (mayAskAgain) => again && (again.hidden = !mayAskAgain) };
}
