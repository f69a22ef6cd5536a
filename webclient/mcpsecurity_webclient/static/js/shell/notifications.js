/** On request: a notification and a sound when something begins to wait for the person while the tab is hidden. */

import { waitingCount } from "../protocol/state.js";
import { t, tn } from "../ui/texts.js";
import { titleWords } from "./chats.js";

const KEY = "notifications";
const TONES_HZ = [660, 880];
const TONE_S = 0.12;

export class Notifications {
  /** @param {{storage?: Storage, ring?: () => void}} options */
  constructor({ storage = window.localStorage, ring = chime } = {}) {
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

/** Two short tones; a browser that allows no sound yet stays silent. */
function chime() {
  const audio = new AudioContext();
  const volume = new GainNode(audio, { gain: 0.08 });
  volume.connect(audio.destination);
  TONES_HZ.forEach((frequency, index) => {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(volume);
    tone.start(audio.currentTime + index * TONE_S);
    tone.stop(audio.currentTime + (index + 1) * TONE_S);
    if (index === TONES_HZ.length - 1) tone.addEventListener("ended", () => audio.close());
  });
}
