/**
 * A server's question as a form. Sending an answer, declining and cancelling are three answers; none of them is given by
 * itself. A form that only asks to approve has no box to tick: its buttons are the answer.
 */

import { h } from "../ui/dom.js";
import { button, once } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { Form } from "../forms/form.js";
import { fromElicitation } from "../forms/fields.js";
import { deadlineOf } from "./deadline.js";
import { oneAnswer } from "./oneanswer.js";
import { declineHelp, requestFrame } from "./request.js";

const APPROVING = /^(approve|allow|confirm|accept|agree|proceed|permit)/i;

/** @param {PageContext} context */
export function elicitationForm(elicitation, context) {
  const fields = fromElicitation(elicitation.fields ?? []);
  const server = context.serverTitle(elicitation.server);
  const approval = approvalIn(fields);
  const form = new Form(approval ? [] : fields);
  const cancel = button(t("Cancel"), () => answer("cancel"), { kind: "quiet" });
  const decline = button(t("Decline"), () => answer("decline"), { kind: "plain", "data-answer": "decline" });
  const submit = h("button", { type: "submit", class: "button primary", "data-answer": "approve" }, h("span", {}, approval || fields.length === 0 ? t("Approve") : t("Send answer")));
  const help = approval ? null : declineHelp(server);
  const actions = h("div", { class: "actions decide" }, approval ? null : cancel, decline, submit);
  const body = h("form", { novalidate: true, autocomplete: "off" }, form.element, h("div", { class: "request-end" }, help, actions));
  const frame = requestFrame({
    name: t("Request from {server}", { server }), heading: t("{server} asks", { server }), symbol: "form", message: elicitation.message,
    deadline: deadlineOf(elicitation),
  }, context.countdowns, body);
  const accept = once(submit, submitForm);
  const send = oneAnswer((action, content) => context.commands.answer(elicitation.elicitation_id, action, content));
  const key = ["form", elicitation.server, elicitation.message, fields.map(({ name }) => name)];
  const kept = context.typed.load(key);

  if (kept) form.fill(kept);
  form.element.addEventListener("input", () => context.typed.save(key, form.typed()));

  body.addEventListener("submit", (event) => {
    event.preventDefault();
    accept(event);
  });
  frame.element.addEventListener("keydown", (event) => event.key === "Escape" && dismiss(event));

  async function submitForm() {
    const content = approval ? { [approval.name]: true } : form.read();
    if (content !== null) await answer("accept", content);
  }

  async function answer(action, content) {
    frame.say("");
    try {
      await send(action, content);
      context.typed.forget(key);
    } catch (error) {
      if (error.status !== 422) return context.report(error);
      const others = form.showErrors(error.fields);
      if (others.length > 0 || Object.keys(error.fields).length === 0) frame.say([error.message, ...others].join(" "));
    }
  }

  /** Escape cancels, a form of buttons, too; but typed values are thrown away only by a second key. */
  function dismiss(event) {
    event.stopPropagation();
    if (form.touched && document.activeElement !== cancel) cancel.focus();
    else cancel.click();
  }

  return frame;
}

/** Return the field of a form that asks for nothing but approval, or null. */
function approvalIn(fields) {
  const [field] = fields;
  const isOne = fields.length === 1 && field.kind === "boolean" && field.required !== false;
  return isOne && (APPROVING.test(field.name) || APPROVING.test(field.label)) ? field : null;
}
