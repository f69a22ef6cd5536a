/**
 * The event stream of one chat. The browser reconnects by itself and says what it saw last; this module adds what
 * EventSource lacks: it tells an ended session from an outage, notices a connection that has died without a word, and lets
 * hidden idle tabs give their connection back.
 */

import { attempt } from "./attempt.js";
import { readExact } from "./exact.js";
import { EVENTS } from "./state.js";

/** Events without arguments or results; they come often, and the browser reads them faster. */
const WITHOUT_VALUES = new Set(["message.added", "message.delta", "message.done"]);
/** Fields whose numbers must keep their digits: a person approves and edits them. */
const EXACT = new Set(["arguments", "fields", "input_schema", "structured"]);
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const IDLE_MS = 30000;
/** The server says every so often that the stream is there; it tells how often. */
const ALIVE_EVERY_MS = 15000;
const MISSED = 2.5;
const LOOK_MS = 2000;

export class Stream {
  /**
   * `mayReconnect` is called when the server refused the stream; false ends it. `isIdle` tells whether a hidden tab
   * has nothing to wait for.
   * @param {{url: string, onEvent: (value: ChatEvent) => void,
   *   onConnection: (value: "open"|"lost"|"idle"|"offline") => void, mayReconnect: () => Promise<boolean>,
   *   isIdle: () => boolean}} options
   */
  constructor({ url, onEvent, onConnection, mayReconnect, isIdle }) {
    this.url = url;
    this.onEvent = onEvent;
    this.onConnection = onConnection;
    this.mayReconnect = mayReconnect;
    this.isIdle = isIdle;
    this._source = null;
    this._timer = null;
    this._idleTimer = null;
    this._failures = 0;
    this._silentMs = MISSED * ALIVE_EVERY_MS;
    this._heardAt = 0;
  }

  /** Open the stream, and keep it open until `close`. */
  start() {
    document.addEventListener("visibilitychange", () => this._visibility());
    window.addEventListener("pagehide", () => this.pause());
    window.addEventListener("offline", () => this.onConnection("offline"));
    window.addEventListener("online", () => this.restart());
    window.addEventListener("pageshow", (event) => event.persisted && this.restart());
    setInterval(() => this._look(), LOOK_MS);
    this.restart();
  }

  /** Follow another chat. */
  open(url) {
    this.url = url;
    this._failures = 0;
    this.restart();
  }

  /** Reconnect. Without a last event id the server answers with a snapshot. */
  restart() {
    this.pause();
    const source = new EventSource(this.url);
    this._source = source;
    this._heardAt = Date.now();
    source.addEventListener("alive", (message) => this._alive(message));
    source.addEventListener("open", () => this._opened());
    source.addEventListener("error", () => this._failed(source));
    for (const name of EVENTS) source.addEventListener(name, (message) => this._received(name, message));
  }

  /** End it for good. */
  close() {
    this.pause();
    this.restart = () => {};
  }

  /** Disconnect until `restart`, which a page that is shown again calls. */
  pause() {
    clearTimeout(this._timer);
    clearTimeout(this._idleTimer);
    this._source?.close();
    this._source = null;
  }

  _opened() {
    this._failures = 0;
    this._heardAt = Date.now();
    this.onConnection("open");
  }

  _alive(message) {
    this._heardAt = Date.now();
    const { every } = attempt("reading alive", () => JSON.parse(message.data), {}) ?? {};
    if (every > 0) this._silentMs = MISSED * every * 1000;
  }

  /** A laptop that slept, or a proxy that fell, ends a connection without a word. The clock runs on while a laptop sleeps. */
  _look() {
    if (!this._source || this._source.readyState === EventSource.CLOSED) return;
    if (Date.now() - this._heardAt < this._silentMs) return;
    this.onConnection(navigator.onLine ? "lost" : "offline");
    this.restart();
  }

  _received(name, message) {
    this._heardAt = Date.now();
    const [, epoch, seq] = /^(.*)-(\d+)$/.exec(message.lastEventId) ?? [null, "", "0"];
    const data = attempt(`reading ${name}`, () => read(name, message.data), null);
    const event = { name, epoch, seq: Number(seq), data: isRecord(data) ? data : {} };
    attempt(`taking ${name}`, () => this.onEvent(/** @type {ChatEvent} */ (event)));
  }

  async _failed(source) {
    if (source === this._source) this.onConnection(navigator.onLine ? "lost" : "offline");
    if (source !== this._source || source.readyState !== EventSource.CLOSED) return;
    if (!(await this.mayReconnect()) || source !== this._source) return;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this._failures, LONGEST_WAIT_MS);
    this._failures += 1;
    this._timer = setTimeout(() => this.restart(), wait * (0.75 + Math.random() / 2));
  }

  _visibility() {
    clearTimeout(this._idleTimer);
    if (document.hidden) this._idleTimer = setTimeout(() => this._rest(), IDLE_MS);
    else if (!this._source) this.restart();
  }

  _rest() {
    if (!document.hidden) return;
    if (!this.isIdle()) {
      this._idleTimer = setTimeout(() => this._rest(), IDLE_MS);
      return;
    }
    this.pause();
    this.onConnection("idle");
  }
}

function read(name, text) {
  return WITHOUT_VALUES.has(name) ? JSON.parse(text) : readExact(text, EXACT);
}

function isRecord(data) {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}
