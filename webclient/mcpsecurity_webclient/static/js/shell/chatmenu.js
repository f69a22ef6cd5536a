/** What can be done with a chat: rename, pin, share, export, delete. One menu serves every row of the list. */

import { byId, setText } from "../ui/dom.js";
import { onDemand } from "../ui/ondemand.js";
import { openAt } from "../ui/popover.js";
import { pathOf } from "../protocol/commands.js";
import { t } from "../ui/texts.js";

const UNDO_MS = 10_000;

export class ChatMenu {
  /**
   * @param {PageContext} context  @param {Toasts} toasts
   * @param {{changed: () => any, gone: (id: string) => any, redraw: () => any}} list  `gone`: a chat is deleted, or about to be
   */
  constructor(context, toasts, list) {
    this._context = context;
    this._toasts = toasts;
    this._changed = list.changed;
    this._gone = list.gone;
    this._redraw = list.redraw;
    this._entry = null;
    this._opener = null;
    /** @type {Map<string, () => Promise<void>>} what deletes the chats that can still be brought back */
    this._doomed = new Map();
    this._panel = byId("chat-menu");
    this._dialog = byId("rename-dialog");
    this._on("pin-chat", () => this._send(() => context.commands.pin(this._entry.chat_id, !this._entry.pinned)));
    this._on("rename-chat", () => this._startRename());
    this._on("share-chat", () => this._share(this._entry));
    this._on("delete-chat", () => this._delete(this._entry));
    for (const id of ["export-markdown", "export-json"]) this._on(id, () => {});
    byId("rename-form").addEventListener("submit", (event) => this._rename(event));
    this._dialog.addEventListener("close", () => this._opener?.focus());
    byId("rename-back").addEventListener("click", () => this._dialog.close());
    window.addEventListener("pagehide", () => this._deleteAll());
  }

  /** Show what can be done with the chat of an entry of the list. One that is empty has nothing to take along. */
  open(opener, entry, isEmpty = false) {
    this._opener = opener;
    this._entry = entry;
    setText(byId("pin-chat"), entry.pinned ? t("Unpin") : t("Pin to the top"));
    for (const format of ["markdown", "json"]) byId(`export-${format}`).href = `${pathOf(entry.chat_id)}/export?format=${format}`;
    for (const id of ["share-chat", "export-markdown", "export-json"]) byId(id).hidden = isEmpty;
    byId("open-tools").hidden = entry.chat_id !== this._context.commands.chatId; // they are those of the chat that is shown
    openAt(opener, this._panel);
  }

  /** Tell whether a chat is no longer shown, because the person deletes it. */
  isGone(id) {
    return this._doomed.has(id);
  }

  _on(id, action) {
    byId(id).addEventListener("click", () => {
      this._panel.hidePopover();
      action();
    });
  }

  async _share(entry) {
    const { chat_id: id, title } = entry;
    const module = await onDemand(() => import("./share.js"), this._context, () => this._share(entry));
    await module?.share(`${pathOf(id)}/export?format=markdown`, title, this._context);
  }

  async _send(command) {
    try {
      await command();
      await this._changed();
    } catch (error) {
      this._context.report(error, () => this._send(command));
    }
  }

  _startRename() {
    byId("rename-title").value = this._entry.title;
    this._dialog.showModal();
    byId("rename-title").select();
  }

  _rename(event) {
    event.preventDefault();
    const title = byId("rename-title").value.trim();
    this._dialog.close();
    if (title) return this._send(() => this._context.commands.rename(this._entry.chat_id, title));
  }

  /** Take a chat out of the list now, and delete it when it can no longer be undone. */
  _delete({ chat_id: id, title }) {
    const done = async () => {
      clearTimeout(timer);
      if (this._doomed.delete(id)) await this._send(() => this._context.commands.remove(id));
    };
    const timer = setTimeout(done, UNDO_MS);
    const wasOpen = id === this._context.commands.chatId;
    const undo = () => {
      clearTimeout(timer);
      this._doomed.delete(id);
      if (wasOpen) this._context.open(id);
      this._redraw();
    };
    this._doomed.set(id, done);
    this._toasts.offerUndo(t("“{title}” was deleted.", { title: title && title !== "New chat" ? title : t("New chat") }), undo, UNDO_MS);
    this._gone(id);
    this._redraw();
  }

  _deleteAll() {
    for (const done of this._doomed.values()) done();
  }
}
