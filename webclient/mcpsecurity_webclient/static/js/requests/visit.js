/**
 * A server's question to visit an address (URL mode). The address is shown in full and opened only after the person
 * agreed, in a new tab that knows nothing of this page. Nothing is fetched from it before.
 */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { deadlineOf } from "./deadline.js";
import { oneAnswer } from "./oneanswer.js";
import { declineHelp, requestFrame, warningList } from "./request.js";

/** @param {PageContext} context */
export function visitRequest(elicitation, context) {
  const url = webAddress(elicitation.url);
  const warnings = [...(elicitation.warnings ?? []), ...(url ? [] : [t("This is not a web address. It cannot be opened from here.")])];
  const server = context.serverTitle(elicitation.server);
  const actions = h("div", { class: "actions decide" },
    button(t("Cancel"), () => answer("cancel"), { kind: "quiet" }),
    button(t("Decline"), () => answer("decline"), { kind: "plain", "data-answer": "decline" }),
    url ? button(elicitation.host ? t("Open {host} in a new tab", { host: elicitation.host }) : t("Open it in a new tab"), open, { kind: "primary", "data-answer": "approve" }) : null);
  const frame = requestFrame({
    name: t("Request from {server}", { server }), heading: t("{server} asks you to visit a site", { server }), symbol: "link", message: elicitation.message,
    deadline: deadlineOf(elicitation),
  }, context.countdowns, address(elicitation), warningList(warnings), declineHelp(server), actions);
  frame.element.addEventListener("keydown", (event) => event.key === "Escape" && answer("cancel"));

  const send = oneAnswer((action) => context.commands.answer(elicitation.elicitation_id, action));

  async function open() {
    if (await answer("accept")) window.open(url, "_blank", "noopener,noreferrer");
  }

  async function answer(action) {
    try {
      return await send(action);
    } catch (error) {
      context.report(error);
      return false;
    }
  }

  return frame;
}

/** Return the address if a browser may open it for a server, else null. */
export function webAddress(text) {
  if (!URL.canParse(text)) return null;
  return ["http:", "https:"].includes(new URL(text).protocol) ? text : null;
}

function address({ url, host }) {
  return h("dl", { class: "address" },
    host ? [h("dt", {}, t("Site")), h("dd", { class: "host" }, host)] : null,
    h("dt", {}, t("Full address")), h("dd", {}, h("code", {}, url)));
}
