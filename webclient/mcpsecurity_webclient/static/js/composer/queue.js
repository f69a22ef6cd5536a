/** Messages that were written while an answer is: they wait here, and are sent at its end or taken back. */

import { byId, h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

export class Queue {
  /** @param {PageContext} context  @param {{rewrite: (chatId: string, text: string, files: File[]) => void}} composer */
  constructor(context, composer) {
    this._context = context;
    this._composer = composer;
    this._element = byId("queue");
    this._drawn = "";
    this._waiting = [];
  }

  /** @param {PageState} state */
  update({ queue, run }) {
    const shown = JSON.stringify([queue, run === null]);
    if (shown === this._drawn) return;
    this._drawn = shown;
    this._waiting = queue;
    this._element.hidden = queue.length === 0;
    this._element.replaceChildren(...queue.map((waiting, index) => this._row(waiting, run === null && index === 0)));
  }

  /** Take back what was written last. Returns false when nothing waits. */
  takeLastBack() {
    if (this._waiting.length === 0) return false;
    this._takeBack(this._waiting.at(-1));
    return true;
  }

  _row(waiting, mayBeSent) {
    return h("li", { class: "queued" },
      h("span", { class: "queued-words" }, h("span", { class: "muted" }, t("Waits:")), " ", h("bdi", {}, wordsOf(waiting))),
      mayBeSent ? button(t("Ask now"), () => this._act(() => this._context.commands.sendQueued(waiting.message_id)), { kind: "plain" }) : null,
      button(t("Take back"), () => this._takeBack(waiting), { kind: "plain" }));
  }

  async _takeBack(waiting) {
    const { chatId } = this._context.commands; // another one may be open when the files are here
    await this._act(async () => {
      const files = await Promise.all((waiting.files ?? []).map((file, number) => this._file(waiting, file, number)));
      await this._context.commands.takeBack(waiting.message_id, chatId);
      this._composer.rewrite(chatId, waiting.text, files);
    });
  }

  async _file({ message_id: id }, { name, mime_type: type }, number) {
    const response = await fetch(this._context.commands.fileUrl(id, number));
    return new File([await response.blob()], name, { type });
  }

  async _act(command) {
    try {
      await command();
    } catch (error) {
      this._context.report(error);
    }
  }
}

function wordsOf({ text, prompt, files = [] }) {
  return [text || prompt?.name, ...files.map(({ name }) => name)].filter(Boolean).join(", ");
}
