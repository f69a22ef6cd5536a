/** The line that stays where a question was, saying how it ended. Never what was typed. */

import { h } from "../ui/dom.js";
import { webAddress } from "./visit.js";

const WORDS = {
  accept: (request) => `You answered the ${request}.`,
  decline: (request) => `You declined the ${request}.`,
  cancel: (request) => `The ${request} was cancelled.`,
  restart: (request) => `The ${request} was cancelled, because the service was restarted.`,
  expired: (request) => `The ${request} was cancelled, because nobody answered in time.`,
};

export function outcomeLine({ server, action, by, mode, url }) {
  const kind = { timeout: "expired", restart: "restart" }[by] ?? action;
  const words = h("p", { class: "request-outcome" }, (WORDS[kind] ?? WORDS.cancel)(`request from ${server}`));
  if (mode === "url" && action === "accept" && webAddress(url)) {
    words.append(" ", h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open the address again"));
  }
  return words;
}
