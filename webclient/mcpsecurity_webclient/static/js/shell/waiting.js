/** A bar that leads to what waits for the person, when it is out of view; and a mark in the title of a hidden tab. */

import { byId, setText } from "../ui/dom.js";

export class Waiting {
  /** @param {HTMLElement} log  @param {Follower} follower */
  constructor(log, follower) {
    this._log = log;
    this._follower = follower;
    this._bar = byId("waiting");
    this._words = byId("waiting-words");
    this._visible = new Set();
    this._known = new Set();
    this._leads = false;
    this._watched = new Set();
    this._elsewhere = 0;
    this._observer = new IntersectionObserver((entries) => this._seen(entries), { root: log, threshold: 0.2 });
    byId("waiting-show").addEventListener("click", () => this._show());
  }

  /** Know how much waits in other chats. */
  elsewhere(count) {
    this._elsewhere = count;
    this.draw();
  }

  /** Look again for what waits. New questions are brought into view if the person is at the end of the conversation. */
  update() {
    const waiting = new Set(this._log.querySelectorAll(".waiting, .card[data-status='proposed']"));
    for (const element of this._watched) if (!waiting.has(element)) this._leave(element);
    const fresh = [...waiting].filter((element) => !this._watched.has(element));
    fresh.forEach((element) => this._observer.observe(element));
    const settled = waiting.size < this._watched.size;
    this._watched = waiting;
    this._lead(fresh, settled);
    this.draw();
  }

  /** Once led to a question, the person is led on: to the next one, and after the last back to the newest text. */
  _lead(fresh, settled) {
    const next = fresh[0] ?? (settled && this._leads ? [...this._watched][0] : null);
    if (next && (this._leads || this._follower.following)) {
      this._leads = true;
      this._follower.show(next);
    } else if (this._leads && this._watched.size === 0) {
      this._leads = false;
      this._follower.follow();
    }
    this._follower.rest(this._watched.size > 0);
  }

  _seen(entries) {
    for (const { target, isIntersecting } of entries) {
      this._known.add(target);
      if (isIntersecting) this._visible.add(target);
      else this._visible.delete(target);
    }
    this.draw();
  }

  _leave(element) {
    this._observer.unobserve(element);
    this._visible.delete(element);
    this._known.delete(element);
  }

  /** Show how much waits, in the bar and in the title. */
  draw() {
    const count = this._watched.size;
    this._bar.hidden = count === 0 || this._visible.size > 0 || this._known.size < count;
    setText(this._words, count === 1 ? "1 request waits for you" : `${count} requests wait for you`);
    const title = document.title.replace(/^\(\d+\) /, "");
    const all = count + this._elsewhere;
    document.title = all > 0 ? `(${all}) ${title}` : title;
  }

  _show() {
    const first = [...this._watched][0];
    if (!first) return;
    this._follower.show(first);
    first.focus({ preventScroll: true });
  }
}
