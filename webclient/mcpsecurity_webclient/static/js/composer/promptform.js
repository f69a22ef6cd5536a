/** The arguments of a prompt, as a form. Prompt arguments are always text. */

import { h } from "../ui/dom.js";
import { button, once } from "../ui/button.js";
import { Form } from "../forms/form.js";
import { completed } from "./completions.js";
import { t } from "../ui/texts.js";

export class PromptForm {
  /**
   * @param {any} prompt
   * @param {{use: (values: any) => Promise<any>, leave: () => void, complete: (name: string, values: Record<string, string>) => Promise<any>}} actions
   */
  constructor(prompt, { use, leave, complete }) {
    this._form = new Form(prompt.arguments.map(({ name, description, required }) => (
      { name, kind: "text", label: name, description: description ?? "", required: Boolean(required), initial: undefined, options: [] }
    )));
    const accept = h("button", { type: "submit", class: "button primary" }, h("span", {}, t("Use prompt")));
    this.element = h("form", { class: "prompt-form", novalidate: true, autocomplete: "off", "aria-label": t("Prompt {name}", { name: prompt.name }) },
      h("p", { class: "card-title", dir: "auto" }, prompt.title || prompt.name),
      prompt.description ? h("p", { class: "card-description", dir: "auto" }, prompt.description) : null,
      this._form.element,
      h("div", { class: "actions" }, accept, button(t("Back"), leave, { kind: "plain" })));
    const boxes = [...this._form.element.querySelectorAll("input")];
    completed(this.element, new Map(prompt.arguments.map(({ name }, index) => [name, boxes[index]])), complete);
    const useOnce = once(accept, async () => {
      const values = this._form.read();
      if (values !== null) await use(values);
    });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      useOnce(event);
    });
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && leave());
  }

  focus() {
    this._form.focus();
  }
}
