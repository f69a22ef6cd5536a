/**
 * Files of the person that go along with the next message: chosen, pasted or dropped, and kept with the chat's draft as
 * long as the page is. What the model cannot take is said before anything is sent; the server looks at the bytes again.
 */

import { forEachChat } from "./draft.js";
import { byId, h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { number, t, tn } from "../ui/texts.js";

const MOST = 5;
const MOST_BYTES = 4 * 1024 * 1024;
const PICTURES = [[0x89, 0x50, 0x4e, 0x47], [0xff, 0xd8, 0xff], [0x47, 0x49, 0x46, 0x38]];

/** @typedef {{name: string, size: number, data: string, picture: boolean, problem: string}} Chosen */

export class Files {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    /** @type {(chatId: string) => Chosen[]} */
    this._of = forEachChat(() => []);
    this._files = this._of(context.commands.chatId);
    /** @type {Chosen[]} */
    this._carried = [];
    /** @type {Promise<any>} resolves once every file that was chosen is read */
    this.settled = Promise.resolve();
    this._sees = true;
    this._others = false;
    this._changed = () => {};
    this._chips = byId("files");
    this._input = byId("file-input");
    byId("open-files").addEventListener("click", () => this._input.click());
    this._input.addEventListener("change", () => this.take(this._input.files));
    byId("message").addEventListener("paste", (event) => this._pasted(event));
    this._dropOn(document.body);
  }

  /** @param {() => void} changed  called when files are added or removed */
  listen(changed) {
    this._changed = changed;
  }

  /** @param {PageState} state */
  update({ model, models }) {
    const sees = model?.images !== false;
    this._others = models.length > 1;
    if (sees === this._sees) return;
    this._sees = sees;
    this._draw();
  }

  get count() {
    return this._files.length;
  }

  /** Why the files cannot be sent; empty if they can. */
  get problem() {
    const unfit = this._files.find(({ problem }) => problem);
    if (unfit) return t("{name} {problem}. Remove it to send your message.", { name: unfit.name, problem: unfit.problem });
    if (this._files.some((file) => this._problemOf(file))) return noPictures(this._others);
    if (this._files.length > MOST) return t("A message takes {count} files at most.", { count: MOST });
    return this._files.reduce((sum, { size }) => sum + size, 0) > MOST_BYTES ? t("The files of a message have at most 4 MiB together.") : "";
  }

  /** What a message carries: it has their `name` and `data`. */
  get chosen() {
    return [...this._files];
  }

  /** Show the files of the chat that is open now, and those that were carried over. */
  load() {
    this._files = this._of(this._context.commands.chatId);
    this._files.push(...this._carried.splice(0).filter((file) => !this._files.includes(file)));
    this._draw();
  }

  /** Keep the files for the chat that is opened next. */
  carry() {
    this._carried = [...this._files];
  }

  /** Forget those of a chat which were sent; others may have been added meanwhile. */
  forget(chatId, sent) {
    const files = this._of(chatId);
    files.splice(0, files.length, ...files.filter((file) => !sent.includes(file)));
    this._draw();
  }

  _problemOf({ problem, picture }) {
    return problem || (picture && !this._sees ? noPictures(this._others) : "");
  }

  _pasted(event) {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    this.take(event.clipboardData.files);
  }

  _dropOn(target) {
    target.addEventListener("dragover", (event) => {
      if ([...event.dataTransfer.types].includes("Files")) event.preventDefault();
    });
    target.addEventListener("drop", (event) => {
      if (event.dataTransfer.files.length === 0) return;
      event.preventDefault();
      this.take(event.dataTransfer.files);
    });
  }

  /** @param {Iterable<File>} files  @param {string} [chatId]  whose they are, whichever is open once they are read */
  take(files, chatId = this._context.commands.chatId) {
    const taken = this._take(files, this._of(chatId));
    this.settled = Promise.allSettled([this.settled, taken]);
    return taken;
  }

  /** @param {Iterable<File>} files  @param {Chosen[]} chosen */
  async _take(files, chosen) {
    for (const file of [...files].slice(0, MOST + 1)) chosen.push(await read(file));
    this._input.value = "";
    this._draw();
    if (this.problem) this._context.announce(this.problem);
  }

  _draw() {
    this._chips.replaceChildren(...this._files.map((file) => this._chip(file)));
    this._chips.hidden = this._files.length === 0;
    this._changed();
  }

  _chip(file) {
    const problem = this._problemOf(file);
    const remove = () => {
      this._files.splice(this._files.indexOf(file), 1);
      this._draw();
    };
    return h("li", { class: problem ? "chip wrong" : "chip" }, icon(problem ? "alert" : "attach"),
      h("span", { dir: "auto" }, file.name, h("span", { class: "muted" }, ` ${problem || sizeOf(file.size)}`)),
      button(t("Remove {name}", { name: file.name }), remove, { symbol: "close", iconOnly: true }));
  }
}

function noPictures(others) {
  return others ? t("This model does not see pictures. Choose another model.") : t("This model does not see pictures. Remove the picture to send your message.");
}

/** @returns {Promise<Chosen>} */
async function read(file) {
  const { name, size } = file;
  if (size === 0 || size > MOST_BYTES) return { name, size, data: "", picture: false, problem: size === 0 ? t("is empty") : t("is larger than 4 MiB") };
  const bytes = new Uint8Array(await file.arrayBuffer());
  const picture = isPicture(bytes);
  return { name, size, data: base64(bytes), picture, problem: picture || isText(bytes) ? "" : t("is neither text nor a picture") };
}

function isPicture(bytes) {
  const webp = new TextDecoder("latin1").decode(bytes.subarray(0, 12));
  return PICTURES.some((magic) => magic.every((byte, place) => bytes[place] === byte)) || /^RIFF[^]{4}WEBP$/.test(webp);
}

function isText(bytes) {
  try {
    return !/[\0-\x08\x0b\x0e-\x1f]/.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}

function base64(bytes) {
  let binary = "";
  for (let place = 0; place < bytes.length; place += 0x8000) binary += String.fromCharCode(...bytes.subarray(place, place + 0x8000));
  return btoa(binary);
}

function sizeOf(size) {
  return size < 1024 ? tn("{count} byte", "{count} bytes", size) : t("{size} KiB", { size: number(size / 1024, 0) });
}
