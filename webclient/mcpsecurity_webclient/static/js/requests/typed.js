/**
 * What a person has typed into a question or a call's arguments, kept in this tab until it is sent: over a reload, and over
 * the end of its time, so that the same question asked again is filled in. Signing out forgets it.
 */

const LONGEST = 50_000;

export class Typed {
  constructor({ username, chatId, storage = window.sessionStorage }) {
    this._storage = storage;
    this._prefix = `typed:${username}:${chatId}:`;
  }

  /** @returns {any} the stored values, or null */
  load(key) {
    try {
      return JSON.parse(this._storage.getItem(this._name(key)) ?? "null");
    } catch {
      return null;
    }
  }

  /** Keep a value, unless it is too large. */
  save(key, value) {
    const text = JSON.stringify(value);
    try {
      if (text.length <= LONGEST) this._storage.setItem(this._name(key), text);
    } catch {
      this.forget(key); // the browser's space is used up
    }
  }

  forget(key) {
    this._storage.removeItem(this._name(key));
  }

  /** @param {any} key  a list of texts */
  _name(key) {
    return this._prefix + JSON.stringify(key);
  }
}
