/**
 * Keeps the newest text in view while it grows, unless the person has scrolled up to read. While an answer is written,
 * what becomes lower, such as a decided card, leaves room at the end: nothing above is pulled down.
 */

const NEAR_PX = 64;
const MARGIN_PX = 12;
/** How much of the view may stay free at the end. */
const FREE = 0.6;

export class Follower {
  /** @param {HTMLElement} scroller  @param {HTMLElement} content  @param {HTMLElement} jump  the button back down */
  constructor(scroller, content, jump) {
    this._scroller = scroller;
    this._content = content;
    this._following = true;
    this._top = 0;
    this._shownAt = -1;
    this._kept = null;
    this._resting = false;
    this._holds = false;
    this._first = null;
    this._jump = jump;
    scroller.addEventListener("scroll", () => this._scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this._leave(), { passive: true });
    jump.addEventListener("click", () => this.goToEnd());
    const observer = new ResizeObserver(() => this._grown());
    observer.observe(content);
    observer.observe(scroller);
  }

  /** @param {PageState} state */
  update({ run, order }) {
    if (order[0] !== this._first) {
      this._top = 0;
      this._holds = false;
    }
    this._first = order[0];
    if (run) this._holds = true;
  }

  /** Go to the end and stay there, also when something else was kept in view. */
  goToEnd() {
    this._kept = null;
    this.follow();
  }

  /** Scroll toward the end as far as the pinned element stays in view, and follow the text from there. */
  follow() {
    this._following = true;
    this._shownAt = -1;
    this._grown();
  }

  /** Follow the text only as far as `element`, such as a chart that the text is about, stays in view. */
  keep(element) {
    this._kept = element;
  }

  /** Bring an element into view from its top, as the question stands there. */
  show(element) {
    this._grown();
    this._leave();
    const above = Number.parseFloat(getComputedStyle(element).scrollMarginTop);
    const tall = element.offsetHeight + above > this._scroller.clientHeight;
    element.scrollIntoView({ block: tall ? "start" : "nearest" });
    this._shownAt = this._scroller.scrollTop; // even near the end, the person did not scroll there to follow the text
    this._scrolled();
  }

  /** Leave the way down alone while something else leads the person. */
  rest(resting) {
    this._resting = resting;
    this._drawJump();
  }

  /** Whether the view is where something was shown, and the person has gone nowhere else. */
  get shows() {
    return this._scroller.scrollTop === this._shownAt;
  }

  get following() {
    return this._following;
  }

  _grown() {
    if (this._content.offsetHeight > 0) {
      const lowest = this._lowest();
      const end = this._end();
      const least = this._holds ? Math.min(this._top, end + FREE * this._scroller.clientHeight) : 0;
      const wanted = this._following ? Math.min(Math.max(end, least), lowest) : this._top;
      this._content.style.marginBottom = `${Math.max(0, Math.min(wanted, least) - end)}px`;
      if (this._following || this._holds) this._scroller.scrollTop = wanted;
      this._top = this._scroller.scrollTop; // its event may come late, together with that of a way up
    }
    this._drawJump();
  }

  /** Return how far down the content's own end is. */
  _end() {
    this._content.style.marginBottom = "0px";
    return Math.max(0, this._scroller.scrollHeight - this._scroller.clientHeight);
  }

  /** Return how far to scroll down while the pinned element stays in view. */
  _lowest() {
    if (!this._kept?.isConnected) return Infinity;
    const distance = this._kept.getBoundingClientRect().top - this._scroller.getBoundingClientRect().top;
    return this._scroller.scrollTop + distance - MARGIN_PX;
  }

  /** Whether there is newer text below, because something above it is kept in view. */
  get _heldBack() {
    const { scrollTop, clientHeight, scrollHeight } = this._scroller;
    return this._kept !== null && scrollHeight - scrollTop - clientHeight > NEAR_PX;
  }

  _scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this._scroller;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this._following = (near && scrollTop !== this._shownAt) || (this._following && scrollTop >= this._top);
    this._top = scrollTop;
    this._drawJump();
  }

  _leave() {
    if (this._scroller.scrollHeight > this._scroller.clientHeight) this._following = false;
  }

  _drawJump() {
    this._jump.hidden = (this._following && !this._heldBack) || this._resting;
  }
}
