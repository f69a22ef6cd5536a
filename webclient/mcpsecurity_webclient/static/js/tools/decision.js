/**
 * What a person decides about a proposed call: approve it as it is, with other arguments, or for good; or decline it,
 * with a reason for the model. Nothing here has the focus by itself, and no bare Enter approves.
 */

import { h, uniqueId } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { Form } from "../forms/form.js";
import { fromSchema } from "../forms/fields.js";
import { argumentsView } from "./arguments.js";

export class Decision {
  /** @param {PageContext} context */
  constructor(call, context) {
    this._call = call;
    this._context = context;
    this._form = null;
    this._body = h("div", { class: "decision-arguments" }, argumentsView(call.arguments));
    this._problem = h("p", { class: "field-error", hidden: true, role: "alert" });
    this._always = h("input", { type: "checkbox", id: uniqueId("always") });
    this._reason = h("input", { type: "text", id: uniqueId("reason"), maxlength: "500", autocomplete: "off" });
    this._reasonRow = h("div", { class: "field", hidden: true },
      h("label", { class: "label", for: this._reason.id }, "Reason for the model"), this._reason);
    this._edit = button("Edit arguments", () => this._toggleForm(), { kind: "link" });
    this._why = button("Give a reason", () => this._showReason(), { kind: "link" });
    this.element = h("div", { class: "decision" }, this._body, this._problem, this._reasonRow, this._buttons());
    this.element.addEventListener("keydown", (event) => this._keydown(event));
  }

  _buttons() {
    const canEdit = Object.keys(this._call.input_schema?.properties ?? this._call.arguments ?? {}).length > 0;
    return h("div", { class: "actions" },
      button("Approve", () => this._approve(), { kind: "primary", "data-answer": "approve" }),
      button("Decline", () => this._decline(), { kind: "plain", "data-answer": "decline" }),
      canEdit ? this._edit : null,
      this._why,
      h("span", { class: "always" }, this._always, h("label", { for: this._always.id }, "Always allow in this chat")));
  }

  async _approve() {
    const extras = this._always.checked ? { always: true } : {};
    if (this._form) {
      const values = this._form.read();
      if (values === null) return;
      if (this._form.touched) extras.arguments = values;
    }
    await this._decide("approve", extras);
  }

  async _decline() {
    const reason = this._reason.value.trim();
    await this._decide("decline", reason ? { reason } : {});
  }

  async _decide(decision, extras) {
    this._show("");
    try {
      await this._context.commands.decide(this._call, decision, extras);
    } catch (error) {
      if (error.status !== 422) this._context.report(error);
      else this._showFieldErrors(error);
    }
  }

  _showFieldErrors({ fields, message }) {
    if (!this._form) this._toggleForm();
    const others = this._form.showErrors(fields);
    if (others.length > 0 || Object.keys(fields).length === 0) this._show([message, ...others].join(" "));
  }

  _toggleForm() {
    const { arguments: values, input_schema: schema } = this._call;
    this._form = this._form ? null : new Form(fromSchema(schema, values));
    this._body.replaceChildren(this._form ? this._form.element : argumentsView(values));
    this._edit.lastElementChild.textContent = this._form ? "Discard changes" : "Edit arguments";
    this._show("");
    if (this._form) this._form.focus();
  }

  _showReason() {
    this._reasonRow.hidden = !this._reasonRow.hidden;
    if (!this._reasonRow.hidden) this._reason.focus();
  }

  _keydown(event) {
    if (event.key !== "Escape" || (!this._form && this._reasonRow.hidden)) return;
    event.stopPropagation();
    if (this._form && this._form.element.contains(event.target)) {
      this._toggleForm();
      this._edit.focus();
    } else if (event.target === this._reason) {
      this._reasonRow.hidden = true;
      this._why.focus();
    }
  }

  _show(message) {
    this._problem.textContent = message;
    this._problem.hidden = !message;
  }
}
