/**
 * The text that is being written, kept in this tab only, so that signing in again does not lose it. It belongs to one
 * person: another one who signs in in the same tab does not see it.
 */

export class Draft {
  constructor({ username, chatId, storage = window.sessionStorage }) {
    this._storage = storage;
    this._username = username;
    this.open(chatId);
    this._carried = `draft:${username}`;
    this._over = false;
  }

  /** Keep the draft of another chat from now on. */
  open(chatId) {
    this._key = this._keyOf(chatId);
  }

  _keyOf(chatId) {
    return `draft:${this._username}:${chatId}`;
  }

  /** A text of a chat that is not open was sent: what was written after it stays. */
  sent(chatId, text) {
    const key = this._keyOf(chatId);
    const rest = unsaid(this._storage.getItem(key) ?? "", text);
    if (rest) this._storage.setItem(key, rest);
    else this._storage.removeItem(key);
  }

  /** Put a text before the draft of another chat. */
  prepend(chatId, text) {
    const key = this._keyOf(chatId);
    if (!this._over) this._storage.setItem(key, [text, this._storage.getItem(key)].filter(Boolean).join("\n\n"));
  }

  /** Return this chat's draft, below one that was carried over from a chat that ended with its session or was deleted. */
  load() {
    const texts = new Set([this._storage.getItem(this._carried), this._storage.getItem(this._key)]);
    this._storage.removeItem(this._carried);
    return [...texts].filter(Boolean).join("\n\n");
  }

  save(text) {
    if (this._over) return;
    if (text) this._storage.setItem(this._key, text);
    else this._storage.removeItem(this._key);
  }

  /** Keep the text for whichever chat is opened next. */
  carry(text) {
    if (text && !this._over) this._storage.setItem(this._carried, text);
  }

  /** Forget everything for good; for signing out, which the server makes known while the page is still there. */
  clear() {
    this._over = true;
    this._storage.clear();
  }
}

/** Return what is left of a draft once its beginning was sent; all of it if the draft was changed meanwhile. */
export function unsaid(draft, sent) {
  const written = draft.trimStart();
  return written.startsWith(sent) ? written.slice(sent.length).trimStart() : draft;
}

/**
 * Return what keeps a thing for each chat, as long as the page is.
 * @template T  @param {() => T} make  @returns {(chatId: string) => T}
 */
export function forEachChat(make) {
  const kept = new Map();
  return (chatId) => {
    if (!kept.has(chatId)) kept.set(chatId, make());
    return kept.get(chatId);
  };
}
