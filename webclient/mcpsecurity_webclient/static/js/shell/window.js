/** How full the model's context window is, and the model's note of what it is not sent any more. */

import { byId, h, setText } from "../ui/dom.js";
import { anchored } from "../ui/popover.js";
import { locale, t, tn } from "../ui/texts.js";

const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const count = new Intl.NumberFormat(locale, { notation: "compact" });

export class ContextWindow {
  /** @param {PageContext} context */
  constructor({ announce }) {
    this._announce = announce;
    this._opener = byId("window");
    this._words = byId("window-words");
    this._panel = byId("window-panel");
    this._drawn = null;
    this._note = null;
    anchored(this._opener, this._panel);
  }

  /** @param {PageState} state */
  update({ context }) {
    if (context === this._drawn) return;
    const known = this._drawn !== null;
    this._drawn = context;
    this._opener.hidden = !context?.window || !context.used;
    if (this._opener.hidden) return;
    const share = Math.min(context.used / context.window, 1);
    this._opener.style.setProperty("--share", String(share));
    setText(this._words, share < 0.01 ? t("Context below 1%") : t("Context {share}", { share: percent.format(share) }));
    this._panel.replaceChildren(...parts(context));
    const { note } = context;
    if (known && note && note.at !== this._note) this._announce(t("The model has written a note of the earlier messages."));
    this._note = note?.at ?? null;
  }
}

/** @param {ContextView} context */
function parts({ used, window, shortened, note }) {
  return [
    h("h2", { class: "menu-title" }, t("What the model is sent")),
    h("p", { class: "menu-note" }, t("About {used} of the {window} tokens that it reads for one answer.", { used: count.format(used), window: count.format(window) })),
    shortened > 0 ? h("p", { class: "menu-note" }, tn("{count} long part as an excerpt; the model can read the rest.", "{count} long parts as excerpts; the model can read the rest.", shortened)) : null,
    note ? noteOf(note) : h("p", { class: "menu-note" }, t("The whole conversation.")),
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
