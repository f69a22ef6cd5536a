/** Countdowns by the server's clock, all on one timer. They tell a screen reader only when time runs short. */

import { h, setText } from "../ui/dom.js";

const SHORT_SECONDS = 30;

export class Countdowns {
  /** @param {ServerClock} clock  @param {(text: string) => void} announce */
  constructor(clock, announce) {
    this._clock = clock;
    this._announce = announce;
    this._running = new Set();
    setInterval(() => this._tick(), 500);
  }

  /**
   * Start one. Its `element` shows the time that is left until `expiresAt`, in seconds since the epoch.
   * @returns {{element: HTMLElement, remove: () => void}}
   */
  add(expiresAt) {
    const element = h("span", { class: "countdown" });
    const countdown = { element, expiresAt, warned: this._left(expiresAt) <= SHORT_SECONDS, remove: () => this._running.delete(countdown) };
    this._running.add(countdown);
    this._show(countdown);
    return countdown;
  }

  _tick() {
    for (const countdown of this._running) this._show(countdown);
  }

  _show(countdown) {
    const left = this._left(countdown.expiresAt);
    setText(countdown.element, left > 0 ? `expires in ${words(left)}` : "time is up");
    countdown.element.classList.toggle("short", left <= SHORT_SECONDS);
    if (left > SHORT_SECONDS || countdown.warned) return;
    countdown.warned = true;
    this._announce(`${SHORT_SECONDS} seconds left to answer.`);
  }

  _left(expiresAt) {
    return Math.max(Math.ceil(expiresAt - this._clock.now()), 0);
  }
}

function words(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
