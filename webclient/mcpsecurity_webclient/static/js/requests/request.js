/** The frame that every question of a server has: who asks, what, and how much time is left. */

import { h, uniqueId } from "../ui/dom.js";
import { icon } from "../ui/icons.js";

/**
 * @param {{name: string, heading: string, symbol: string, message: string, expiresAt: number}} request  `name` names the
 *   group, `heading` is what is seen
 * @returns {{element, say(problem), close()}}
 */
export function requestFrame({ name, heading, symbol, message, expiresAt }, countdowns, ...content) {
  const countdown = countdowns.add(expiresAt);
  const text = h("p", { class: "request-message", id: uniqueId("request") }, message);
  const problem = h("p", { class: "field-error", role: "alert", hidden: true });
  const element = h("div", { class: "request waiting", role: "group", "aria-label": name, "aria-describedby": text.id, tabindex: "-1" },
    h("div", { class: "card-head" }, h("span", { class: "card-symbol" }, icon(symbol)),
      h("h3", { class: "card-title" }, heading), h("span", { class: "card-state" }, "Needs your answer · ", countdown.element)),
    text, content.slice(0, -1), problem, content.at(-1));

  function say(words) {
    problem.textContent = words;
    problem.hidden = !words;
  }

  return { element, say, close: () => countdown.remove() };
}
