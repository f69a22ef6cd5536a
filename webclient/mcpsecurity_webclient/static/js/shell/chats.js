/** The person's conversations, and what can be done with the one that is open. */

import { byId, h, setText } from "../ui/dom.js";
import { once } from "../ui/button.js";
import { anchored } from "../ui/popover.js";

const UNTITLED = "New conversation";
const SEARCH_AFTER_MS = 200;

export class Chats {
  /** @param {string} chatId  @param {PageContext} context */
  constructor(chatId, context) {
    this._chatId = chatId;
    this._context = context;
    this._title = null;
    this._run = null;
    this._asked = false;
    this._list = byId("chat-list");
    this._search = byId("chat-search");
    this._search.addEventListener("input", () => this._searchSoon());
    this._heading = byId("title");
    this._menu = byId("chat-menu");
    anchored(byId("chat-options"), this._menu);
    this._act("new-chat", () => this._open(context.commands.newChat()));
    this._act("delete-chat", () => this._remove());
    this._menu.addEventListener("toggle", () => this._ask(false));
    this._act("rename-chat", () => this._startRename());
    byId("rename-form").addEventListener("submit", (event) => this._rename(event));
    byId("rename-dialog").addEventListener("close", () => byId("chat-options").focus());
    byId("rename-back").addEventListener("click", () => byId("rename-dialog").close());
    this._load();
  }

  update({ title, run, ready }) {
    if (ready && title !== this._title) {
      setText(this._heading, title || UNTITLED);
      document.title = `${title || UNTITLED} – ${document.body.dataset.product}`;
      if (this._title !== null) this._load();
      this._title = title;
    }
    if (this._run && !run) this._load();
    this._run = run;
  }

  _searchSoon() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._load(), SEARCH_AFTER_MS);
  }

  async _load() {
    const words = this._search.value.trim();
    try {
      const { chats } = await this._context.commands.chats(words);
      if (words !== this._search.value.trim()) return;
      const rows = chats.map((chat) => this._row(chat));
      this._list.replaceChildren(...(rows.length ? rows : [h("li", { class: "none" }, "No chat has these words.")]));
    } catch (error) {
      if (error.status === 401) this._context.report(error);
    }
  }

  _row({ chat_id: id, title }) {
    const current = id === this._chatId ? "page" : null;
    return h("li", {}, h("a", { href: `/chats/${encodeURIComponent(id)}`, "aria-current": current }, title || UNTITLED));
  }

  _act(id, action) {
    const element = byId(id);
    element.addEventListener("click", once(element, action));
  }

  async _open(promise) {
    try {
      const { chat_id: id } = await promise;
      location.assign(`/chats/${encodeURIComponent(id)}`);
    } catch (error) {
      this._context.report(error);
    }
  }

  /** The first click asks, the second one deletes. */
  async _remove() {
    if (!this._asked) return this._ask(true);
    this._menu.hidePopover();
    try {
      await this._context.commands.remove();
      location.assign("/");
    } catch (error) {
      this._context.report(error);
    }
  }

  _ask(asked) {
    this._asked = asked;
    setText(byId("delete-chat"), asked ? "Delete for good" : "Delete");
  }

  _startRename() {
    this._menu.hidePopover();
    byId("rename-title").value = this._title ?? "";
    byId("rename-dialog").showModal();
    byId("rename-title").select();
  }

  async _rename(event) {
    event.preventDefault();
    const title = byId("rename-title").value.trim();
    byId("rename-dialog").close();
    if (!title) return;
    try {
      await this._context.commands.rename(title);
    } catch (error) {
      this._context.report(error);
    }
  }
}
