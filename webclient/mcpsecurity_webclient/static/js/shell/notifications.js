/** On request: a notification and a sound when something begins to wait for the person while the tab is hidden. */

import { waitingCount } from "../protocol/state.js";
import { t, tn } from "../ui/texts.js";
import { titleWords } from "./chats.js";

const KEY = "notifications";

export class Notifications {
  /** @param {{storage?: Storage, ring?: () => void}} options */
  constructor({ storage = window.localStorage, ring = chimed } = {}) {
    this._storage = storage;
    this._ring = ring;
    this._here = 0;
    this._elsewhere = 0;
    this._shown = null;
    document.addEventListener("visibilitychange", () => document.hidden || this._shown?.close());
  }

  get on() {
    return this._storage.getItem(KEY) === "on" && globalThis.Notification?.permission === "granted";
  }

  /**
   * Turn notifications on, which asks the browser for its permission, or off.
   * @param {boolean} on
   * @returns {Promise<boolean>} whether they are on
   */
  async turn(on) {
    if (on && globalThis.Notification && (await Notification.requestPermission()) === "granted") this._storage.setItem(KEY, "on");
    else this._storage.removeItem(KEY);
    return this.on;
  }

  /** @param {PageState} state */
  update(state) {
    const count = waitingCount(state);
    const more = count > this._here;
    this._here = count;
    if (more) this._tell(titleWords(state.title));
  }

  /** The person leaves the chat: requests that wait there are no news. */
  leave() {
    this._elsewhere += this._here;
    this._here = 0;
  }

  /** Know how much waits in other chats. */
  elsewhere(count) {
    const more = count > this._elsewhere;
    this._elsewhere = count;
    if (more) this._tell(tn("{count} request waits for you", "{count} requests wait for you", count));
  }

  _tell(body) {
    if (!document.hidden || !this.on) return;
    this._shown = new Notification(t("Your decision is needed"), { body, tag: "mcpsecurity-waiting" });
    this._shown.addEventListener("click", () => window.focus());
    this._ring();
  }
}

/** The sound is loaded when there is something to hear. */
function chimed() {
  import("./chime.js").then(({ chime }) => chime(), () => {});
}
