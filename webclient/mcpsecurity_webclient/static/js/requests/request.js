/** The frame that every question of a server has: who asks, what, and how much time is left. */

import { h, uniqueId } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/texts.js";

/**
 * @param {{name: string, heading: string, symbol: string, message: string, deadline: any}} request  `name` names the
 *   group, `heading` is the visible text, `deadline` see countdown.js
 * @returns {{element, say(problem), extend(deadline), close()}}
 */
export function requestFrame({ name, heading, symbol, message, deadline }, countdowns, ...content) {
  const countdown = countdowns.add(deadline);
  const text = h("p", { class: "request-message", dir: "auto", id: uniqueId("request") }, message);
  const problem = h("p", { class: "field-error", role: "alert", hidden: true });
  const element = h("div", { class: "request waiting", role: "group", "aria-label": name, "aria-describedby": text.id, tabindex: "-1" },
    h("div", { class: "card-head" }, h("span", { class: "card-symbol" }, icon(symbol)),
      h("h3", { class: "card-title", dir: "auto" }, heading), h("span", { class: "card-state" }, h("span", {}, t("Needs your answer")), countdown.element)),
    h("div", { class: "request-body" }, text, content.slice(0, -1), problem, content.at(-1)));

  function say(words) {
    problem.textContent = words;
    problem.hidden = !words;
  }

  countdown.watch(element);
  return { element, say, extend: countdown.update, close: () => countdown.remove() };
}

/** Return how the two ways to give no answer differ. */
export function declineHelp(server) {
  return h("p", { class: "request-help" }, t("Decline tells {server} no. Cancel ends the question without an answer.", { server }));
}

/** Return what the person should know before an answer. */
export function warningList(warnings) {
  if (warnings.length === 0) return null;
  return h("ul", { class: "warnings" }, warnings.map((warning) => h("li", {}, icon("alert"), h("span", {}, warning))));
}
