/** That the model is thinking; after ten seconds, for how long. A reasoning model may take minutes to say its first word. */

import { h, setText } from "../ui/dom.js";
import { t, tn } from "../ui/texts.js";

const LONG_S = 10;
const MINUTE_S = 60;

export class Thinking {
  /**
   * @param {ServerClock} clock
   * @param {(words: string) => void} announce
   */
  constructor(clock, announce) {
    this._clock = clock;
    this._announce = announce;
    this._timer = null;
    this._since = 0;
    this._said = 0;
    this._seconds = h("span", { "aria-hidden": "true" });
  }

  /** Count from `since`, in seconds since the epoch by the server's clock. Returns the line to show. */
  start(since) {
    this.stop();
    this._seconds = h("span", { "aria-hidden": "true" });
    this._since = since ?? this._clock.now();
    this._said = 0;
    this._draw();
    this._timer = setInterval(() => this._draw(), 1000);
    return h("p", { class: "thinking" }, h("span", { class: "hidden-text" }, t("The model is thinking.")),
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), this._seconds);
  }

  stop() {
    clearInterval(this._timer);
  }

  /** Shows the seconds; a screen reader announces ten seconds, and then each minute. */
  _draw() {
    const seconds = Math.max(0, Math.floor(this._clock.now() - this._since));
    setText(this._seconds, seconds < LONG_S ? "" : t("The model is still thinking ({time})", { time: elapsed(seconds) }));
    const news = seconds < LONG_S ? 0 : 1 + Math.floor(seconds / MINUTE_S);
    if (news > this._said) this._announce(news === 1 ? t("The model is still thinking.") : tn("The model has been thinking for a minute.", "The model has been thinking for {count} minutes.", news - 1));
    this._said = Math.max(this._said, news);
  }
}

function elapsed(seconds) {
  return seconds < MINUTE_S ? `${seconds} s` : `${Math.floor(seconds / MINUTE_S)} min ${seconds % MINUTE_S} s`;
}
