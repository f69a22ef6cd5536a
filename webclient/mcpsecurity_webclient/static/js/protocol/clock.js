/** The server's clock, as this page knows it. The computer's own clock may be wrong and is never asked. */

export class ServerClock {
  /** @param {() => number} ticks  a clock that only runs forward, in milliseconds */
  constructor(ticks = () => performance.now()) {
    this._ticks = ticks;
    this._offset = null;
  }

  /**
   * Learn from a moment the server wrote into an event, in seconds since the epoch. What arrives is never older than
   * it says, so the latest estimate wins: delays and replayed events do not turn the clock back.
   */
  learn(at) {
    if (typeof at !== "number") return;
    const offset = at - this._ticks() / 1000;
    if (this._offset === null || offset > this._offset) this._offset = offset;
  }

  /** Forget the measured offset; used when a snapshot names the time. */
  set(at) {
    this._offset = null;
    this.learn(at);
  }

  /** Return the time in seconds since the epoch, by the server's clock. */
  now() {
    return this._ticks() / 1000 + (this._offset ?? 0);
  }
}
