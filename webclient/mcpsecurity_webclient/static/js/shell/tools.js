/** The tools of every server: what each does and needs, and a switch for those that take part in this chat. */

import { byId, h, setText } from "../ui/dom.js";
import { list, t, tn } from "../ui/texts.js";
import { effectChips } from "../tools/consequence.js";

const RULES = {
  always_ask: () => t("Your organisation wants every call of it to be approved."),
  never_ask: () => t("Your organisation lets it run without asking you."),
  refuse: () => t("Your organisation does not allow it."),
};

export class Tools {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._dialog = byId("tools-dialog");
    this._list = byId("tools-list");
    this._search = byId("tools-search");
    this._note = byId("tools-note");
    this._servers = [];
    this._off = null;
    byId("tools-close").addEventListener("click", () => this._dialog.close());
    this._search.addEventListener("input", () => this._draw());
  }

  /** @param {PageState} state */
  update({ toolsOff, servers }) {
    if (toolsOff === this._off && servers === this._known) return;
    const listed = this._known !== undefined && servers !== this._known;
    this._off = toolsOff;
    this._known = servers;
    if (!this._dialog.open) return;
    if (listed) this._load();
    else this._mark();
  }

  async open() {
    this._search.value = "";
    this._list.replaceChildren();
    setText(this._note, t("Asking the servers…"));
    this._dialog.showModal();
    await this._load();
  }

  async _load() {
    try {
      this._servers = (await this._context.commands.tools()).servers;
      this._draw();
    } catch (error) {
      setText(this._note, error.message);
    }
  }

  /** The focus stays on the same switch or tool. */
  _draw() {
    const held = this._list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.place : undefined;
    const words = this._search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const open = new Set([...this._list.querySelectorAll("details[open]")].map(({ dataset }) => dataset.fold));
    this._list.replaceChildren(...this._servers.map((server) => this._server(server, words, open)));
    setText(this._note, this._summary());
    this._mark();
    if (held !== undefined) [...this._list.querySelectorAll("[data-place]")].find(({ dataset }) => dataset.place === held)?.focus();
  }

  _server(server, words, open) {
    const found = server.list.filter((tool) => words.every((word) => `${tool.name} ${tool.title} ${tool.description}`.toLowerCase().includes(word)));
    const body = h("ul", { class: "tool-rows" });
    const details = h("details", { class: "tool-server", "data-fold": server.name, open: words.length > 0 || this._servers.length === 1 || open.has(server.name) },
      h("summary", { "data-place": server.name }, h("span", { class: "tool-server-name", dir: "auto" }, server.title), h("span", { class: "menu-note" }, stateOf(server, found.length, words.length > 0))),
      body);
    const fill = () => {
      if (details.open && body.childElementCount === 0) body.append(...found.map((tool) => this._tool(server, tool, open)));
      this._mark();
    };
    details.addEventListener("toggle", fill);
    fill();
    return h("div", { class: "tool-server-row", hidden: words.length > 0 && found.length === 0 }, details, this._switch(server.name, "", t("Use {name}", { name: server.title })));
  }

  /** @param {Set<string>} open  the keys of the parts that were unfolded before */
  _tool(server, tool, open) {
    const fold = `${server.name}\n${tool.name}`;
    return h("li", { class: "tool-row" },
      h("details", { "data-fold": fold, open: open.has(fold) },
        h("summary", { "data-place": fold }, h("span", { class: "tool-row-name", dir: "auto" }, tool.title), effectChips(tool.annotations)),
        tool.description ? h("p", { class: "tool-row-text", dir: "auto" }, tool.description) : null,
        h("p", { class: "menu-note" }, tool.parameters.length > 0 ? t("Needs: {names}", { names: list(tool.parameters.map(named)) }) : t("Needs nothing.")),
        tool.rule ? h("p", { class: "menu-note" }, RULES[tool.rule]?.()) : null),
      tool.rule === "refuse" ? null : this._switch(server.name, tool.name, t("Use {name}", { name: tool.title })));
  }

  _switch(server, tool, label) {
    const box = h("input", { type: "checkbox", role: "switch", "aria-label": label, "data-turn-server": server, "data-turn-tool": tool, "data-place": `switch\n${server}\n${tool}` });
    box.addEventListener("change", () => this._turn(box, server, tool));
    return box;
  }

  async _turn(box, server, tool) {
    try {
      await this._context.commands.turnTool(server, tool, box.checked);
    } catch (error) {
      box.checked = !box.checked;
      this._context.report(error);
    }
  }

  /** Show which tools are on. */
  _mark() {
    const off = new Set((this._off ?? []).map(({ server, tool = "" }) => `${server}\n${tool}`));
    for (const box of this._list.querySelectorAll("[data-turn-server]")) {
      const { turnServer: server, turnTool: tool } = box.dataset;
      const whole = off.has(`${server}\n`);
      box.checked = !whole && !off.has(`${server}\n${tool}`);
      box.disabled = whole && tool !== "";
    }
  }

  _summary() {
    const searched = this._servers.reduce((sum, server) => sum + (server.searched ?? 0), 0);
    return searched > 0 ? tn("There are many tools: the model looks for {count} of them when it needs it.", "There are many tools: the model looks for {count} of them when it needs them.", searched) : "";
  }
}

function named({ name, required }) {
  return required ? name : t("{name} (optional)", { name });
}

function stateOf(server, found, searching) {
  if (server.status === "down") return t("not reachable");
  if (server.status === "key_refused") return t("refuses the key that the operator has set");
  if (server.status === "sign_in") return server.sign_in_url ? t("needs you to sign in") : t("wants a sign-in that this chat does not have");
  return searching ? tn("{count} tool found", "{count} tools found", found) : tn("{count} tool", "{count} tools", server.list.length);
}
