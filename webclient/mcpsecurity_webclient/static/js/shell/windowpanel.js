/** How full the model's context window is, in words; and the model's note of what it is not sent any more. */

import { h } from "../ui/dom.js";
import { locale, t, tn } from "../ui/texts.js";

const count = new Intl.NumberFormat(locale, { notation: "compact" });

/** @param {ContextView} context */
export function panelParts({ used, window, guessed, shortened, note }) {
  const read = guessed
    ? t("About {used} tokens. How much this model reads is not known.", { used: count.format(used) })
    : t("About {used} of the {window} tokens that it reads for one answer.", { used: count.format(used), window: count.format(window) });
  return [
    h("h2", { class: "menu-title" }, t("What the model is sent")),
    h("p", { class: "menu-note" }, read),
    shortened > 0 ? h("p", { class: "menu-note" }, tn("{count} long part as an excerpt; the model can read the rest.", "{count} long parts as excerpts; the model can read the rest.", shortened)) : null,
    note ? noteOf(note) : h("p", { class: "menu-note" }, t("The whole chat.")),
  ].filter((part) => part !== null);
}

/** @param {NoteView} note */
function noteOf({ text, messages, model }) {
  const who = model ? t("Written by {model}; it can look up the messages themselves.", { model }) : t("Put together from the beginnings of the messages, as the model wrote none.");
  return h("details", { class: "window-note" },
    h("summary", {}, tn("A note instead of the first {count} message", "A note instead of the first {count} messages", messages)),
    h("p", { class: "menu-note" }, who),
    h("p", { class: "window-text", dir: "auto", tabindex: "0" }, text));
}
