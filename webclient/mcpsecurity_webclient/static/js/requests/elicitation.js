/** A server's question as a form. Submit, decline and cancel are three answers; none of them is given by itself. */

import { h } from "../ui/dom.js";
import { button, once } from "../ui/button.js";
import { Form } from "../forms/form.js";
import { fromElicitation } from "../forms/fields.js";
import { requestFrame } from "./request.js";

/** @param {PageContext} context */
export function elicitationForm(elicitation, context) {
  const form = new Form(fromElicitation(elicitation.fields ?? []));
  const cancel = button("Cancel", () => answer("cancel"), { kind: "plain" });
  const submit = h("button", { type: "submit", class: "button primary" }, h("span", {}, "Submit"));
  const actions = h("div", { class: "actions" }, submit, button("Decline", () => answer("decline"), { kind: "plain" }), cancel);
  const body = h("form", { novalidate: true, autocomplete: "off" }, form.element, actions);
  const frame = requestFrame({
    name: `Request from ${elicitation.server}`, symbol: "form", message: elicitation.message, expiresAt: elicitation.expires_at,
  }, context.countdowns, body);
  const accept = once(submit, submitForm);

  body.addEventListener("submit", (event) => {
    event.preventDefault();
    accept(event);
  });
  frame.element.addEventListener("keydown", (event) => event.key === "Escape" && dismiss(event));

  async function submitForm() {
    const content = form.read();
    if (content !== null) await answer("accept", content);
  }

  async function answer(action, content) {
    frame.say("");
    try {
      await context.commands.answer(elicitation.elicitation_id, action, content);
    } catch (error) {
      if (error.status !== 422) return context.report(error);
      const others = form.showErrors(error.fields);
      if (others.length > 0 || Object.keys(error.fields).length === 0) frame.say([error.message, ...others].join(" "));
    }
  }

  /** Escape cancels, but what somebody typed is not thrown away without a second key. */
  function dismiss(event) {
    event.stopPropagation();
    if (form.touched && document.activeElement !== cancel) cancel.focus();
    else cancel.click();
  }

  return frame;
}
