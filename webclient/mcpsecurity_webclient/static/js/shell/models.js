/** Which model answers: a choice where there are several, and a word when the one that was chosen is gone. */

import { byId, h, setText } from "../ui/dom.js";
import { t } from "../ui/texts.js";

export class Models {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._select = byId("model-choice");
    this._label = byId("model-choice-label");
    this._note = byId("model-note");
    this._offered = null;
    this._chosen = "";
    this._select.addEventListener("change", () => this._choose());
  }

  /** @param {PageState} state */
  update({ models, model, ready }) {
    if (!ready || !model) return;
    if (models !== this._offered) this._offer(models);
    if (this._chosen !== model.name) this._select.value = this._chosen = model.name;
    setText(this._note, model.instead_of ? t("{name} is not offered any more, so {other} answers.", { name: model.instead_of, other: model.title }) : "");
  }

  /** @param {ModelView[]} models */
  _offer(models) {
    this._offered = models;
    this._chosen = ""; // other options show the first of them
    this._select.replaceChildren(h("button", { type: "button" }, h("selectedcontent")), ...models.map(({ name, title }) => h("option", { value: name }, title)));
    this._select.hidden = this._label.hidden = models.length < 2;
  }

  async _choose() {
    try {
      await this._context.commands.model(this._select.value);
    } catch (error) {
      this._select.value = this._chosen;
      this._context.report(error);
    }
  }
}
