/** The arguments of a proposed call: as a table, or as a form with a table of what would be sent. */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { Form } from "../forms/form.js";
import { fromSchema } from "../forms/fields.js";
import { argumentsView } from "./arguments.js";

export class ArgumentEditor {
  /** @param {any} call  @param {() => void} changed  called when editing begins or ends  @param {PageContext} context */
  constructor(call, changed, { typed, announce }) {
    this._call = call;
    this._announce = announce;
    this._changed = changed;
    this._typed = typed;
    this._key = ["arguments", call.server, call.tool, call.args_hash];
    this._form = null;
    this._preview = h("div", { class: "preview" });
    this._body = h("div", { class: "decision-arguments" });
    this._toggle = button(t("Edit arguments"), () => this.toggle(), { kind: "link" });
    const canEdit = Object.keys(call.input_schema?.properties ?? call.arguments ?? {}).length > 0;
    if (!canEdit) this._toggle.hidden = true;
    this.element = h("div", { class: "editor" }, this._body);
    this._draw();
    this.element.addEventListener("input", () => this._keep());
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this._leave(event));
  }

  get editing() {
    return this._form !== null;
  }

  /** The form while the arguments are edited, else null. */
  get form() {
    return this._form;
  }

  /** Return the changed arguments, undefined if none was changed, or null if they do not fit, which is shown. */
  read() {
    if (!this._form) return undefined;
    const values = this._form.read();
    if (values === null) return null;
    return this._form.touched ? values : undefined;
  }

  /** Show errors by argument. Returns those that no field is there for. */
  showErrors(errors) {
    if (!this._form) this.toggle();
    return this._form.showErrors(errors);
  }

  toggle() {
    this._form = this._form ? null : this._newForm();
    if (!this._form) this.forget();
    this._draw();
    this._changed();
    if (this._form) this._form.focus();
    else this._toggle.focus();
  }

  /** Go on with an edit that was not sent, if there is one. */
  resume() {
    const kept = this._typed.load(this._key);
    if (!kept) return;
    this._form = this._newForm();
    this._form.fill(kept);
    this._draw();
    this._changed();
  }

  /** The edit was sent, or given up. */
  forget() {
    this._typed.forget(this._key);
  }

  _newForm() {
    return new Form(fromSchema(this._call.input_schema, this._call.arguments));
  }

  _keep() {
    if (!this._form) return;
    this._typed.save(this._key, this._form.typed());
    this._drawPreview();
  }

  _draw() {
    const { arguments: values, input_schema: schema } = this._call;
    setText(this._toggle.lastElementChild, this._form ? t("Cancel editing") : t("Edit arguments"));
    if (this._form) this._body.replaceChildren(this._form.element, this._preview, h("div", { class: "arguments-tools" }, this._toggle));
    else this._body.replaceChildren(argumentsView(values, schema, this._announce, { tools: [this._toggle] }));
    this._drawPreview();
  }

  /** Show the final arguments again, with the schema's defaults for blank fields. */
  _drawPreview() {
    if (!this._form) return;
    const values = this._form.peek();
    const { arguments: proposed, input_schema: schema } = this._call;
    this._preview.replaceChildren(h("h4", { class: "preview-title" }, t("What will be sent")),
      values ? argumentsView(values, schema, this._announce, { proposed, caption: t("What will be sent") }) : h("p", { class: "muted" }, t("Some fields need attention first.")));
  }

  _leave(event) {
    if (!this._form) return;
    event.stopPropagation();
    this.toggle();
  }
}
