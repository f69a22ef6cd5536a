/**
 * How much time is left to decide, by the server's clock, all on one timer: a warning before it ends, a button for more, and
 * more time by itself while the person works on it. A screen reader is told only when time runs short.
 */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

const SHORT_SECONDS = 30;
const EXTENDED_BELOW = 60;

/** @typedef {{kind: "call"|"elicitation"|"sampling", id: string, expires_at: number, latest_at?: number}} Deadline */

export class Countdowns {
  /**
   * @param {ServerClock} clock
   * @param {(text: string) => void} announce
   * @param {(kind: string, id: string) => Promise<unknown>} extend  asks the server for more time
   */
  constructor(clock, announce, extend) {
    this._clock = clock;
    this._announce = announce;
    this._extend = extend;
    this._running = new Set();
    setInterval(() => this._tick(), 500);
  }

  /**
   * Start one. Its `element` shows the time that is left, with a button for more if there can be more. `watch` has it ask
   * for more time by itself while the person types or chooses in an element.
   * @param {Deadline} deadline
   */
  add(deadline) {
    const words = h("span", { class: "countdown" });
    const more = button(t("More time"), () => this._ask(countdown), { kind: "link", hidden: true });
    const element = h("span", { class: "time" }, words, more);
    const countdown = { element, words, more, deadline, used: false, asking: false, warned: this._left(deadline) <= SHORT_SECONDS, remove: () => this._running.delete(countdown), update, watch };
    const use = () => { countdown.used = true; };
    const show = () => this._show(countdown);

    /** @param {Deadline} changed */
    function update(changed) {
      if (changed.expires_at === countdown.deadline.expires_at) return;
      countdown.deadline = changed;
      countdown.warned = false;
      show();
    }

    /** @param {HTMLElement} worked */
    function watch(worked) {
      for (const kind of ["input", "keydown", "change"]) worked.addEventListener(kind, use);
    }

    this._running.add(countdown);
    show();
    return countdown;
  }

  _tick() {
    for (const countdown of this._running) this._show(countdown);
  }

  _show(countdown) {
    const left = this._left(countdown.deadline);
    const mayExtend = left > 0 && (countdown.deadline.latest_at ?? 0) > countdown.deadline.expires_at;
    setText(countdown.words, left > 0 ? t("expires in {time}", { time: clockWords(left) }) : t("time is up"));
    countdown.words.classList.toggle("short", left <= SHORT_SECONDS);
    if (mayExtend) countdown.more.hidden = false;
    countdown.more.classList.toggle("away", !mayExtend); // it keeps its place, so that nothing moves
    if (mayExtend && countdown.used && left <= EXTENDED_BELOW && !countdown.asking) this._ask(countdown);
    if (left > SHORT_SECONDS || left <= 0 || countdown.warned) return;
    countdown.warned = true;
    this._announce(mayExtend ? t("{left} seconds left to answer. The button More time gives you more.", { left }) : t("{left} seconds left to answer.", { left }));
  }

  async _ask(countdown) {
    countdown.used = false;
    countdown.asking = true;
    try {
      await this._extend(countdown.deadline.kind, countdown.deadline.id);
    } finally {
      countdown.asking = false;
    }
  }

  _left({ expires_at: expiresAt }) {
    return Math.max(Math.ceil(expiresAt - this._clock.now()), 0);
  }
}

function clockWords(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
