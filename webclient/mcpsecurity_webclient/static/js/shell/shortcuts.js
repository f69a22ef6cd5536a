/**
 * Keys for the whole page. No key decides a request that has not been seen: approving and declining act on the request that
 * has the focus, by its own buttons, and otherwise only lead to a waiting one. The one shortcut without a modifier can be
 * turned off (WCAG 2.1.4).
 */

import { byId } from "../ui/dom.js";

const SINGLE_KEYS_OFF = "single-keys-off";
const TEXT_BOX = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const REQUEST = ".card[data-status='proposed'], .request";

export class Shortcuts {
  /** @param {Waiting} waiting  @param {Storage} [storage] */
  constructor(waiting, storage = window.localStorage) {
    this._waiting = waiting;
    this._storage = storage;
    this._sheet = byId("shortcuts");
    const single = byId("single-keys");
    single.checked = this._singleKeys;
    single.addEventListener("change", () => this._keepSingleKeys(single.checked));
    byId("show-shortcuts").addEventListener("click", () => this._show());
    document.addEventListener("keydown", keepFromThePage, true);
    document.addEventListener("keydown", (event) => this._keydown(event));
  }

  get _singleKeys() {
    return this._storage.getItem(SINGLE_KEYS_OFF) === null;
  }

  _keepSingleKeys(on) {
    if (on) this._storage.removeItem(SINGLE_KEYS_OFF);
    else this._storage.setItem(SINGLE_KEYS_OFF, "");
  }

  _keydown(event) {
    if (event.repeat || document.querySelector("dialog[open]")) return;
    const act = this._action(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Return what a key does; undefined for all other keys. */
  _action(event) {
    const { altKey: alt, shiftKey: shift, code, key } = event;
    const control = event.ctrlKey || event.metaKey;
    if (alt && !control && !shift) {
      return { KeyJ: () => this._waiting.next(), KeyY: () => this._answer("approve"), KeyN: () => this._answer("decline") }[code];
    }
    if (control && !alt && shift && code === "KeyO") return () => byId("new-chat").click();
    if (control && !alt && !shift && key.toLowerCase() === "k") return () => this._search();
    if (control && !alt && key === "/") return () => this._show();
    const typing = event.target instanceof Element && event.target.matches(TEXT_BOX);
    return key === "?" && !control && !alt && !typing && this._singleKeys ? () => this._show() : undefined;
  }

  _show() {
    document.querySelectorAll("[popover]:popover-open").forEach((panel) => /** @type {HTMLElement} */ (panel).hidePopover());
    this._sheet.showModal();
  }

  _search() {
    const chats = byId("chats");
    if (getComputedStyle(chats).display === "none") chats.showPopover();
    byId("chat-search").focus();
  }

  /** @param {"approve"|"decline"} answer */
  _answer(answer) {
    const request = document.activeElement?.closest(REQUEST);
    const button = /** @type {HTMLElement|null|undefined} */ (request?.querySelector(`[data-answer="${answer}"]`));
    if (button) button.click();
    else this._waiting.next();
  }
}

/** Keys that choose a character of Chinese or Japanese, say, mean nothing else. Safari tells the last one by its code alone. */
function keepFromThePage(event) {
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
}
