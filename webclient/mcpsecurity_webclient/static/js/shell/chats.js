/** The person's chats by date: which one is open, how many requests wait in the others, and a link to each. */

import { arrange, byId, h, setText } from "../ui/dom.js";
import { once } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { t, tn } from "../ui/texts.js";
import { waitingCount } from "../protocol/state.js";
import { ChatMenu } from "./chatmenu.js";
import { dateGroup } from "./dates.js";

const LOAD_AFTER_MS = 200;

export class Chats {
  /** @param {PageContext} context  @param {Toasts} toasts  @param {Waiting} waiting */
  constructor(context, toasts, waiting) {
    this._context = context;
    this._waiting = waiting;
    this._title = null;
    this._version = "";
    this._empty = ""; // the chat that is known to be empty
    this._rising = null; // see `rising`
    this._asked = this._shown = 0;
    this._drawn = context.commands.chatId;
    this._entries = [];
    this._read = this._entries;
    this._rows = new Map();
    this._groups = new Map();
    this._list = byId("chat-list");
    this._none = byId("chat-none");
    this._search = byId("chat-search");
    this._menu = new ChatMenu(context, toasts, { changed: () => this._load(), gone: (id) => this.leave(id), redraw: () => this._draw() });
    this._search.addEventListener("input", () => this._loadSoon());
    this._search.addEventListener("keydown", (event) => event.key === "Enter" && this._openFirst());
    byId("chats").addEventListener("keydown", (event) => this._step(event));
    byId("new-chat").addEventListener("click", once(byId("new-chat"), () => this._begin()));
    byId("chat-options").addEventListener("click", () => this._openMenu());
  }

  update(state) {
    const { title, ready, order, forks, run, chatsVersion } = state;
    if (this._context.commands.chatId !== this._drawn) this._draw();
    if (!ready) return;
    if (title !== this._title) this._showTitle(title);
    const isEmpty = order.length === 0 && forks.length === 0;
    const { chatId } = this._context.commands;
    this._empty = isEmpty ? chatId : "";
    const waiting = waitingCount(state);
    const version = [chatId, chatsVersion, title, isEmpty, run === null, waiting].join();
    if (version === this._version) return;
    this._version = version;
    this._entries = this._entries.map((entry) => (entry.chat_id === chatId ? { ...entry, waiting, running: run !== null } : entry));
    this._loadSoon();
  }

  _showTitle(title) {
    this._title = title;
    setText(byId("title"), titleWords(title));
    document.title = `${titleWords(title)} – ${document.body.dataset.product}`;
    this._waiting.draw();
  }

  _openMenu() {
    const { chatId } = this._context.commands;
    this._menu.open(byId("chat-options"), this._current(), this._empty === chatId);
  }

  /** Open the first chat that has the words of the search, once it is known which that is. */
  async _openFirst() {
    if (!this._search.value.trim()) return;
    await this._load();
    this._list.querySelector("a")?.click();
  }

  /** The arrow keys go from the search to the chats, and along them. */
  _step(event) {
    const stops = [this._search, ...this._list.querySelectorAll("a")];
    const place = stops.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (place < 0 || step === undefined) return;
    event.preventDefault();
    stops[place + step]?.focus();
  }

  /** Open a new chat; one that is empty already is as good as new. */
  async _begin() {
    const { chatId } = this._context.commands;
    if (this._empty === chatId) return this._context.open(chatId);
    await this._openNew();
  }

  async _openNew() {
    try {
      const { chat_id: id } = await this._context.commands.newChat();
      this._context.open(id);
    } catch (error) {
      this._context.report(error);
    }
  }

  /** The chat with this id is gone: open the first of the others, or a new one. */
  async leave(id) {
    if (id !== this._context.commands.chatId) return;
    const next = this._entries.find((entry) => entry.chat_id !== id && !this._menu.isGone(entry.chat_id));
    if (next) this._context.open(next.chat_id);
    else await this._openNew();
  }

  /** Open a chat that is being answered; first one that waits for the person. */
  async showRunning() {
    await this._load();
    const others = this._entries.filter(({ running, chat_id: id }) => running && id !== this._context.commands.chatId);
    const entry = others.find(({ waiting }) => waiting > 0) ?? others[0];
    if (entry) this._context.open(entry.chat_id);
  }

  /**
   * Do something in the open chat: its row comes to the top at once, not by itself when the list is read again. If it
   * cannot be done, the list is as it was read last.
   * @template T  @param {() => Promise<T>} act  @param {string} [words]  the chat's title, if it has none yet
   * @returns {Promise<T>}
   */
  async rising(act, words = "") {
    const { chatId } = this._context.commands;
    const rising = (this._rising = { chatId, words, at: this._context.clock.now(), knownFrom: Infinity });
    this._show(this._entries);
    try {
      const taken = await act();
      rising.knownFrom = this._asked; // by the lists that are asked for from now on
      return taken;
    } catch (error) {
      if (this._rising === rising) this._rising = null;
      this._show(this._read);
      throw error;
    }
  }

  /** Show these chats, with the one that rises at its place: a list that was read before does not take it away again. */
  _show(entries) {
    this._entries = this._rising && !this._search.value.trim() ? risen(entries, this._rising) : entries;
    this._draw();
  }

  /** Ask for no list until an event comes. */
  pause() {
    clearTimeout(this._timer);
  }

  _loadSoon() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._load(), LOAD_AFTER_MS);
  }

  async _load() {
    const words = this._search.value.trim();
    const number = (this._asked += 1);
    try {
      const { chats } = await this._context.commands.chats(words);
      if (words !== this._search.value.trim() || number < this._shown) return; // a later list came first
      this._shown = number;
      if (this._rising && number > this._rising.knownFrom) this._rising = null;
      this._show((this._read = chats));
    } catch (error) {
      if (error.status === 401) this._context.report(error);
    }
  }

  _current() {
    const id = this._context.commands.chatId;
    return this._entries.find((entry) => entry.chat_id === id) ?? { chat_id: id, title: this._title ?? "", pinned: false, waiting: 0 };
  }

  _draw() {
    const current = (this._drawn = this._context.commands.chatId);
    const shown = this._entries.filter(({ chat_id: id }) => !this._menu.isGone(id));
    const elements = [];
    let last = "";
    for (const entry of shown) {
      const name = entry.pinned ? t("Pinned") : dateGroup(entry.updated_at);
      if (name !== last) elements.push(this._group((last = name)));
      elements.push(this._row(entry, current));
    }
    const isNew = !this._rows.get(current)?.element.isConnected;
    arrange(this._list, elements);
    const words = this._search.value.trim();
    setText(this._none, words && shown.length === 0 ? t("No chats match “{words}”.", { words }) : "");
    if (isNew) this._rows.get(current)?.element.scrollIntoView({ block: "nearest" });
    const elsewhere = this._entries.filter(({ chat_id: id }) => id !== current).reduce((sum, { waiting }) => sum + waiting, 0);
    this._waiting.elsewhere(elsewhere);
  }

  _group(name) {
    if (!this._groups.has(name)) this._groups.set(name, h("li", { class: "chat-group" }, h("h3", {}, name)));
    return this._groups.get(name);
  }

  _row(entry, current) {
    const id = entry.chat_id;
    if (!this._rows.has(id)) this._rows.set(id, new Row(id, this._context, this._menu));
    const row = this._rows.get(id);
    row.update(entry, id === current);
    return row.element;
  }
}

class Row {
  constructor(id, context, menu) {
    this._entry = null;
    this._title = h("span", { class: "chat-title", dir: "auto" });
    this._snippet = h("span", { class: "chat-snippet", dir: "auto" });
    this._badge = h("span", { class: "badge" });
    this._link = h("a", { href: `/chats/${encodeURIComponent(id)}`, onclick: (event) => follow(event, () => context.open(id)) }, this._title, this._badge, this._snippet);
    this._more = h("button", { type: "button", class: "button quiet icon-only row-more", onclick: () => menu.open(this._more, this._entry) },
      icon("more"), h("span", { class: "hidden-text" }));
    this.element = h("li", {}, this._link, this._more);
  }

  update(entry, isCurrent) {
    if (entry === this._entry && isCurrent === this._link.hasAttribute("aria-current")) return;
    this._entry = entry;
    const title = titleWords(entry.title);
    setText(this._title, title);
    this._link.title = title;
    const snippet = entry.snippet?.startsWith(title.replace(/…$/, "")) ? "" : (entry.snippet ?? ""); // not the title again
    setText(this._snippet, snippet);
    this._snippet.hidden = snippet === "";
    this._badge.hidden = !entry.waiting && !entry.running;
    this._badge.classList.toggle("quiet", !entry.waiting);
    setText(this._badge, entry.waiting ? String(entry.waiting) : "…");
    this._badge.title = entry.waiting ? tn("{count} needs your decision", "{count} need your decision", entry.waiting) : t("Answering…");
    setText(this._more.lastElementChild, t("Menu of {title}", { title }));
    if (isCurrent) this._link.setAttribute("aria-current", "page");
    else this._link.removeAttribute("aria-current");
  }
}

/** Return chats with the one that rises at the top, below those that are pinned. */
function risen(entries, { chatId, words, at }) {
  const known = entries.find((entry) => entry.chat_id === chatId) ?? { chat_id: chatId, title: "", pinned: false, waiting: 0 };
  const rising = { ...known, title: isTitled(known.title) ? known.title : words, updated_at: at };
  const others = entries.filter((entry) => entry.chat_id !== chatId);
  const place = rising.pinned ? 0 : others.filter(({ pinned }) => pinned).length;
  return others.toSpliced(place, 0, rising);
}

/** Open a link in this page, unless the person wants it elsewhere. */
function follow(event, open) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  open();
}

/** Return a chat's title; one without a title of its own has the service's English word for that. */
export function titleWords(title) {
  return isTitled(title) ? title : t("New chat");
}

function isTitled(title) {
  return title && title !== "New chat";
}
