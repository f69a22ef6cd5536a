/**
 * The one place where markup from the server enters the page: a message's HTML, which the server has sanitised
 * (docs/chat-protocol.md). Links open in a new tab; code blocks get a head with
 * their language and a copy button.
 */

import { h } from "../ui/dom.js";
import { copyButton } from "../ui/copy.js";
import { t } from "../ui/texts.js";

export class Prose {
  /** @param {(text: string) => void} announce */
  constructor(announce) {
    this._announce = announce;
    this._stableElement = h("div", { class: "prose-part" });
    this._tailElement = h("div", { class: "prose-part" });
    this._stable = "";
    this._tail = "";
    this.element = h("div", { class: "prose", dir: "auto", onclick: (event) => this._followNote(event) }, this._stableElement, this._tailElement);
  }

  /** Show complete blocks and the unfinished one. Blocks that are shown already are not touched, so selections survive. */
  stream(stable, tail) {
    if (!stable.startsWith(this._stable)) this._clear();
    this._append(stable.slice(this._stable.length));
    this._stable = stable;
    if (tail !== this._tail) this._tailElement.innerHTML = tail;
    this._tail = tail;
    decorateLinks(this._tailElement);
  }

  /** Show the finished message. */
  finish(html) {
    if (!html.startsWith(this._stable)) this._clear();
    this._append(html.slice(this._stable.length));
    this._stable = html;
    this._tailElement.replaceChildren();
    this._tail = "";
  }

  _append(html) {
    if (!html) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    decorateLinks(template.content);
    this._decorateBlocks(template.content);
    this._stableElement.append(template.content);
  }

  _clear() {
    this._stableElement.replaceChildren();
    this._stable = "";
  }

  /** A mark in the text leads to its footnote, and back. Both belong to this message, so they have no id. */
  _followNote(event) {
    const name = event.target.closest('a[href^="#"]')?.getAttribute("href").slice(1);
    if (!name) return;
    event.preventDefault();
    const target = this.element.querySelector(`.${CSS.escape(name)}`);
    target?.setAttribute("tabindex", "-1");
    target?.focus();
  }

  _decorateBlocks(root) {
    for (const pre of root.querySelectorAll("pre")) {
      pre.tabIndex = 0;
      const language = /^language-(.+)$/.exec(pre.firstElementChild?.className ?? "")?.[1] ?? "";
      const frame = h("div", { class: "code-block", dir: "ltr" });
      pre.replaceWith(frame);
      frame.append(h("div", { class: "code-head" }, h("span", {}, language), copyButton(t("Copy code"), () => pre.textContent ?? "", this._announce)), pre);
      pre.setAttribute("role", "group");
      pre.setAttribute("aria-label", language ? t("Code in {language}", { language }) : t("Code"));
    }
    for (const table of root.querySelectorAll("table")) {
      const columns = [...table.querySelectorAll("thead th")].map(({ textContent }) => textContent?.trim()).filter(Boolean).join(", ");
      table.setAttribute("aria-label", columns || t("Table"));
      const frame = h("div", { class: "scrolling", tabindex: "0", role: "group", "aria-label": t("Table {name}", { name: columns }).trim() });
      table.replaceWith(frame);
      frame.append(table);
    }
  }
}

function decorateLinks(root) {
  for (const link of root.querySelectorAll('a[href]:not([href^="#"])')) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
}
