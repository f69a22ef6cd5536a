/** Where a message is written: Enter sends, Shift+Enter makes a new line, Escape stops the answer, / finds a prompt. */

import { byId, setText } from "../ui/dom.js";
import { unsaid } from "./draft.js";
import { Rest } from "./rest.js";
import { once } from "../ui/button.js";
import { number, t, tn } from "../ui/texts.js";

export class Composer {
  /**
   * @param {PageContext} context
   * @param {Draft} draft
   * @param {Attachments} attachments
   * @param {import("./files.js").Files} files
   */
  constructor(context, draft, attachments, files) {
    this._context = context;
    this._draft = draft;
    this._attachments = attachments;
    this._files = files;
    files.listen(() => {
      if (files.count > 0) this._rest.end();
      this._enable();
    });
    this._text = byId("message");
    this._send = byId("send");
    this._stop = byId("stop");
    this._problem = byId("too-long");
    this._longest = Number(this._text.dataset.longest);
    this._run = null;
    /** @type {string | null} */
    /** @type {{chatId: string, text: string} | null} what is on its way and still stands first in the box of its chat */
    this._sending = null;
    this._ready = false;
    this._ended = false;
    this._complete = false;
    this._isAwaited = false; // Enter came before the state of the chat, or while a message is on its way
    this._palette = null;
    this._rest = new Rest(this._text);
    this._opens = true; // a chat whose state is not known yet
    this._sendOnce = once(this._send, () => this._submit());
    this._stopOnce = once(this._stop, () => this._stopRun());
    this._text.value = draft.load();
    this._listen();
    this._fit();
  }

  /** @param {import("./paletteopener.js").PaletteOpener} palette  opens on `/` */
  use(palette) {
    this._palette = palette;
  }

  update(state) {
    const hadStop = document.activeElement === this._stop;
    this._run = state.run;
    this._ended = state.ended !== null;
    this._ready = state.ready && !this._ended;
    if (this._opens && state.ready) this._opened(state);
    if (this._stop.hidden && state.run !== null) this._send.hidden = true; // until something is written
    this._showStop(state.run !== null);
    if (hadStop && state.run === null) this.focus();
    this._enable();
    if (this._isAwaited && this._sending === null && (this._ready || this._ended)) this._sendAwaited();
  }

  focus() {
    this._text.focus();
  }

  get text() {
    return this._text.value;
  }

  set text(value) {
    this._text.value = value;
    this._changed();
    this._text.dispatchEvent(new Event("change")); // the browser tells only of what a person writes
  }

  /** Send `text` as if it had been typed. */
  async say(text) {
    this._rest.begin();
    this._goOn();
    await this._deliver(text);
  }

  /** Let the person change a text of a chat, with these files; what she has written there meanwhile stays below it. */
  rewrite(chatId, text, files = []) {
    this._files.take(files, chatId);
    if (chatId !== this._context.commands.chatId) return this._draft.prepend(chatId, text);
    this.text = [text, this.text.trim()].filter(Boolean).join("\n\n");
    this._rest.end();
    this.focus();
  }

  /** Send a prompt of a server, with the attachments that are chosen. */
  async sendPrompt(prompt) {
    return (await this._deliver("", { prompt })) !== null;
  }

  /** Where a chat goes on, there is room to read it, and what waits in it, until the person turns to the box. */
  _opened({ order }) {
    this._opens = false;
    const isBegun = this.text !== "" || this._files.count > 0 || this._attachments.chosen.length > 0;
    if (order.length > 0 && !isBegun) this._rest.begin();
  }

  /** Show the draft of the open chat: its text and its attachments. */
  load() {
    this._rest.restart();
    this._opens = true;
    this._attachments.load();
    this._files.load();
    this.text = this._draft.load();
  }

  /** Keep text and files for the chat that is opened next. */
  carryDraft() {
    this._files.carry();
    this._draft.carry(this.text);
  }

  _listen() {
    this._text.addEventListener("input", () => this._changed());
    this._text.addEventListener("keydown", (event) => this._keydown(event));
    this._send.addEventListener("click", (event) => this._press(event));
    this._stop.addEventListener("click", this._stopOnce);
  }

  _keydown(event) {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this._press(event);
    } else if (event.key === "Escape" && this._run) {
      this._stopOnce(event);
    } else if (isPlain(event, "ArrowUp") && this.text === "" && this._context.editLast()) {
      event.preventDefault();
    }
  }

  /** Send what is written, or wait with it for the state of the chat, which shows; not if it is changed meanwhile. */
  _press(event) {
    if (this._sending !== null) return this._await(true);
    if (this._ready || this._ended || !this._complete) return this._sendOnce(event);
    this._await(true);
    this._context.announce(t("Connecting…"));
  }

  _await(awaited) {
    this._isAwaited = awaited;
    this._send.toggleAttribute("data-awaited", awaited);
  }

  _sendAwaited() {
    this._await(false);
    this._sendOnce(new Event("ready"));
  }

  async _submit() {
    const { chatId } = this._context.commands;
    await this._files.settled;
    if (chatId !== this._context.commands.chatId) return;
    const text = this.text.trim();
    if (!text && this._files.count === 0) return;
    if (await this._palette?.enter()) return;
    if (this._files.problem) return;
    this._rest.begin();
    this._goOn();
    this._sending = { chatId, text };
    const taken = await this._deliver(text);
    const [sent, goesOn] = [this._sending.text, this._isAwaited];
    this._sending = null;
    this._await(false);
    if (!taken) return this._rest.end();
    if (chatId !== this._context.commands.chatId) this._draft.sent(chatId, sent);
    else this.text = unsaid(this.text, sent);
    if (taken.run_id === null && this._run) this._context.announce(t("Your message waits for the end of the answer."));
    if (goesOn) await this._submit();
  }

  /**
   * Send a message; it waits if an answer is being written, whether this page knows of that yet or not. Attachments are
   * sent once and then removed.
   * @returns {Promise<{run_id: string|null} | null>}  null: the server did not take it
   */
  async _deliver(text, extras = {}) {
    const attachments = this._attachments.chosen;
    const place = document.activeElement;
    const { chatId } = this._context.commands;
    let taken;
    const files = this._files.chosen;
    const read = files.map(({ name, data }) => ({ name, data }));
    const send = () => this._context.commands.message(text, {
      ...extras, queue: true, ...(attachments.length > 0 ? { attachments } : {}), ...(read.length > 0 ? { files: read } : {}),
    });
    try {
      taken = await (this._run === null ? this._context.rising(send, text || extras.prompt?.name) : send());
    } catch (error) {
      this._context.report(error, async () => {
        this._context.open(chatId);
        if ((await this._deliver(text, extras)) && this.text.trim() === text) this.text = "";
      });
      return null;
    }
    this._attachments.forget(chatId, attachments);
    this._files.forget(chatId, files);
    if ([place, document.body].includes(document.activeElement)) this._goOn();
    this._context.sent();
    return taken;
  }

  /** Let the person write on, unless that would bring up the keyboard of a phone. */
  _goOn() {
    if (matchMedia("(pointer: fine)").matches) this.focus();
  }

  async _stopRun() {
    if (!this._run) return;
    try {
      await this._context.commands.stop(this._run.run_id);
    } catch (error) {
      this._context.report(error);
    }
  }

  /** Stop keeps its place beside Send when the answer ends, until the person goes on writing. */
  _showStop(shown) {
    const away = !shown && !this._stop.hidden && !this._send.hidden;
    this._stop.classList.toggle("away", away);
    this._stop.hidden = !shown && !away;
  }

  _changed() {
    this._await(false);
    const isHere = this._sending?.chatId === this._context.commands.chatId;
    if (isHere && !this.text.trimStart().startsWith(this._sending.text)) this._sending.text = "";
    if (this._run === null) this._stop.hidden = true;
    this._draft.save(this.text);
    this._fit();
    this._enable();
    this._palette?.changed(this.text);
  }

  _enable() {
    const something = this.text.trim() !== "" || this._files.count > 0;
    const more = this.text.length - this._longest;
    const tooLong = more > 0 ? tn("One character too many: a message has at most {most}.", "{count} characters too many: a message has at most {most}.", more, { most: number(this._longest) }) : "";
    const problem = tooLong || this._files.problem;
    this._problem.hidden = problem === "";
    setText(this._problem, problem);
    this._complete = something && problem === "";
    this._send.setAttribute("aria-disabled", String(!this._ready || !this._complete));
    if (this._run === null || (this.text.trim() !== "" && this._sending === null)) this._send.hidden = false; // a message written meanwhile waits its turn
  }

  /** Let the box grow with its text, where the browser does not do so by itself. */
  _fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this._text.style.height = "auto";
    this._text.style.height = `${this._text.scrollHeight}px`;
  }
}

function isPlain({ key, shiftKey, altKey, ctrlKey, metaKey }, wanted) {
  return key === wanted && !shiftKey && !altKey && !ctrlKey && !metaKey;
}
