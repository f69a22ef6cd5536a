/**
 * What a person decides about a proposed call: approve it as it is or with other arguments, or decline it, with a reason
 * for the assistant. What may destroy takes a second step. Nothing here has the focus by itself, and no bare Enter approves.
 */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { consequenceOf } from "./consequence.js";
import { ArgumentEditor } from "./editor.js";
import { oneAnswer } from "../requests/oneanswer.js";
import { GrantChoice } from "./grant.js";
import { Reason } from "./reason.js";

export class Decision {
  /** @param {any} call  @param {PageContext} context */
  constructor(call, context) {
    this._context = context;
    this._sent = false;
    this._answer = oneAnswer((decision, extras) => context.commands.decide(call, decision, extras));
    this._destroys = consequenceOf(call.annotations).effect === "destroys";
    this._grant = new GrantChoice(call);
    this._editor = new ArgumentEditor(call, () => this._edited(), context);
    this._reason = new Reason(call, { decline: () => this._decline.click(), changed: (open) => this._reasonShown(open), typed: context.typed });
    this._problem = h("p", { class: "field-error", hidden: true, role: "alert" });
    this._approve = button(t("Approve"), () => this._approved(), { kind: "primary", "data-answer": "approve" });
    this._decline = button(t("Decline"), () => this._declined(), { kind: "plain", "data-answer": "decline" });
    this._actions = h("div", { class: "actions decide apart" }, this._decline, this._reason.opener, this._approve);
    this._confirm = this._confirmation();
    this.element = h("div", { class: "decision" }, this._editor.element, this._problem, this._grant.element, this._reason.element, this._actions, this._confirm);
    this._editor.resume();
    this._reason.resume();
  }

  /** Whether the person has changed arguments here that were not sent. */
  get isUnsent() {
    return !this._sent && (this._editor.form?.touched ?? false);
  }

  /** The second step for what may destroy. While it is shown, the first one is not there. */
  _confirmation() {
    this._back = button(t("Go back"), () => this._showConfirmation(false), { kind: "plain" });
    const run = button(t("Approve and run"), () => this._send(), { kind: "danger" });
    return h("div", { class: "confirm", role: "group", "aria-label": t("Are you sure?"), hidden: true },
      h("p", {}, t("This can delete data, and it cannot be undone from here. Run it?")), h("div", { class: "actions decide" }, this._back, run));
  }

  async _approved() {
    if (!this._destroys) return this._send();
    if (this._editor.read() !== null) this._showConfirmation(true);
  }

  async _send() {
    const values = this._editor.read();
    if (values === null) return this._showConfirmation(false);
    await this._decide("approve", { ...this._grant.extras, ...(values === undefined ? {} : { arguments: values }) });
  }

  async _declined() {
    const reason = this._reason.text;
    await this._decide("decline", reason ? { reason } : {});
  }

  async _decide(decision, extras) {
    this._show("");
    this._sent = true;
    try {
      await this._answer(decision, extras);
      this._editor.forget();
      this._reason.forget();
    } catch (error) {
      this._sent = false;
      this._showConfirmation(false);
      if (error.status !== 422) this._context.report(error);
      else this._showFieldErrors(error);
    }
  }

  _showFieldErrors({ fields, message }) {
    const others = this._editor.showErrors(fields);
    if (others.length > 0 || Object.keys(fields).length === 0) this._show([message, ...others].join(" "));
  }

  _edited() {
    setText(this._approve.lastElementChild, this._editor.editing ? t("Approve with changes") : t("Approve"));
    this._show("");
  }

  _reasonShown(open) {
    this._approve.classList.toggle("primary", !open);
    this._approve.classList.toggle("plain", open);
    this._decline.classList.toggle("primary", open);
    this._decline.classList.toggle("plain", !open);
  }

  _showConfirmation(shown) {
    if (this._confirm.hidden !== shown) return;
    this._confirm.hidden = !shown;
    this._actions.hidden = shown;
    (shown ? this._back : this._approve).focus();
    this._confirm.scrollIntoView({ block: "nearest" });
  }

  _show(message) {
    this._problem.textContent = message;
    this._problem.hidden = !message;
  }
}
