/** Holds the state, and tells its listeners: of each event at once, and of the new state once for each frame. */

import { attempt } from "./attempt.js";
import { INITIAL, passOver, reduce } from "./state.js";

const HIDDEN_FRAME_MS = 250;

export class Store {
  constructor() {
    this.state = INITIAL;
    this._drawn = INITIAL;
    this._scheduled = false;
    this._views = [];
    this._listeners = [];
  }

  /** Apply an event; an invalid one is skipped. Listeners are called only for a new event. */
  dispatch(event) {
    const before = this.state;
    this.state = attempt(`event ${event.name}`, () => reduce(before, event)) ?? passOver(before, event);
    if (this.state === before) return;
    if (this.state.seq !== before.seq || event.name === "snapshot") {
      for (const listener of this._listeners) attempt(`hearing ${event.name}`, () => listener(event, this.state, before));
    }
    this._schedule();
  }

  /** Dispatch something that happened in the page itself. */
  note(name, data) {
    this.dispatch({ name: `page.${name}`, epoch: "", seq: 0, data });
  }

  /** @param {(value0: any, value1: any) => void} view  draws the state; called at most once for each frame */
  draw(view) {
    this._views.push(view);
  }

  /** @param {(value0: any, value1: any, value2: any) => void} listener  gets event, new and old state */
  listen(listener) {
    this._listeners.push(listener);
  }

  _schedule() {
    if (this._scheduled) return;
    this._scheduled = true;
    if (document.hidden) setTimeout(() => this._draw(), HIDDEN_FRAME_MS);
    else requestAnimationFrame(() => this._draw());
  }

  _draw() {
    this._scheduled = false;
    const previous = this._drawn;
    this._drawn = this.state;
    for (const view of this._views) attempt("a view", () => view(this.state, previous));
  }
}
