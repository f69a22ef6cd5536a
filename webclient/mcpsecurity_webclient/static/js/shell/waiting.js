/** A bar that leads to the request that waits for the person, when it is out of view; and a mark in the title of a hidden tab. */

import { byId, setText } from "../ui/dom.js";
import { tn } from "../ui/texts.js";

/** An element counts as seen when a fifth of it is in view, or it fills half of the view. */
const SEEN = 0.2;
const FILLS = 0.5;
const STEPS = Array.from({ length: 51 }, (_, step) => step / 50);

export class Waiting {
  /**
   * @param {HTMLElement} log  @param {Follower} follower
   * @param {Notifications} notifications
   * @param {() => any} openOther  opens another chat in which something waits
   */
  constructor(log, follower, notifications, openOther) {
    this._log = log;
    this._follower = follower;
    this._notifications = notifications;
    this._openOther = openOther;
    this._bar = byId("waiting");
    this._words = byId("waiting-words");
    this._visible = new Set();
    this._known = new Set();
    this._leads = false;
    this._watched = new Set();
    this._elsewhere = 0;
    this._comes = false; // to another chat, for what waits there
    this._badge = byId("elsewhere");
    this._badgeWords = byId("elsewhere-words");
    this._observer = new IntersectionObserver((entries) => this._seen(entries), { root: log, threshold: STEPS });
    byId("waiting-show").addEventListener("click", () => this.next());
  }

  /** Know how much waits in other chats. */
  elsewhere(count) {
    this._elsewhere = count;
    this._notifications.elsewhere(count);
    this._badge.hidden = count === 0; // where the list of chats is not to be seen
    setText(this._badge, String(count));
    setText(this._badgeWords, count > 0 ? tn("{count} needs your decision", "{count} need your decision", count) : "");
    this.draw();
  }

  /**
   * Look again for what waits. New questions are brought into view if the person is at the end of the conversation.
   * @param {PageState} state
   */
  update({ ready }) {
    const waiting = new Set(this._log.querySelectorAll(".waiting, .card[data-status='proposed']"));
    for (const element of this._watched) if (!waiting.has(element)) this._leave(element);
    const fresh = [...waiting].filter((element) => !this._watched.has(element));
    fresh.forEach((element) => this._observer.observe(element));
    const settled = [...this._watched].filter((element) => !waiting.has(element));
    this._watched = waiting;
    this._lead(fresh, settled.length > 0);
    if (settled.some((element) => element.contains(document.activeElement)) || (ready && this._comes)) this._goTo([...waiting][0]);
    if (ready) this._comes = false;
    this.draw();
  }

  /**
   * The person is led to the first question, then on to the next one, and after the last back to the newest text. Another
   * one that comes does not lead away from what she is at.
   */
  _lead(fresh, settled) {
    const [first] = this._watched;
    const another = !settled && fresh.length < this._watched.size;
    const leads = another ? this._follower.shows : this._leads || this._follower.following;
    if (leads && (fresh.length > 0 || (settled && first))) {
      this._leads = true;
      this._follower.show(first);
    } else if (this._leads && this._watched.size === 0) {
      this._leads = false;
      this._follower.follow();
    }
    this._follower.rest(this._watched.size > 0);
  }

  _seen(entries) {
    for (const { target, intersectionRatio, intersectionRect, rootBounds } of entries) {
      this._known.add(target);
      const fills = intersectionRect.height >= FILLS * (rootBounds?.height ?? Infinity);
      if (intersectionRatio >= SEEN || fills) this._visible.add(target);
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
    setText(this._words, tn("{count} request waits for you", "{count} requests wait for you", count));
    const title = document.title.replace(/^\(\d+\) /, "");
    const all = count + this._elsewhere;
    document.title = all > 0 ? `(${all}) ${title}` : title;
  }

  /** Focus the next card that waits after the focused one, else the first; if this chat has none, open a chat that has one. */
  next() {
    const waiting = [...this._watched];
    if (waiting.length === 0 && this._elsewhere > 0) return this._nextElsewhere();
    const current = waiting.findIndex((element) => element.contains(document.activeElement));
    this._goTo(waiting[(current + 1) % waiting.length]);
  }

  /** The other chat is drawn later: then the focus goes on to its first card that waits. */
  async _nextElsewhere() {
    await this._openOther();
    this._comes = true;
  }

  _goTo(element) {
    if (!element) return;
    this._follower.show(element);
    element.focus({ preventScroll: true });
  }
}
