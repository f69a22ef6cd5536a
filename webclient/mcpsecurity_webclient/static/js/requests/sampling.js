/** A server's wish to ask the model something: shown with its full prompt, and answered only after approval. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { deadlineOf } from "./deadline.js";
import { oneAnswer } from "./oneanswer.js";
import { requestFrame, warningList } from "./request.js";

/** @param {PageContext} context */
export function samplingRequest(sampling, context) {
  const prompt = [
    ...(sampling.system_prompt ? [{ role: "system", text: sampling.system_prompt }] : []),
    ...sampling.messages,
  ];
  const server = context.serverTitle(sampling.server);
  const actions = h("div", { class: "actions decide" },
    button(t("Decline"), () => decide("decline"), { kind: "plain", "data-answer": "decline" }),
    button(t("Approve"), () => decide("approve"), { kind: "primary", "data-answer": "approve" }));

  const send = oneAnswer((decision) => context.commands.decideSampling(sampling.sampling_id, decision));

  async function decide(decision) {
    try {
      await send(decision);
    } catch (error) {
      context.report(error);
    }
  }

  const warnings = sampling.too_long ? [t("This is longer than what the model reads for one answer: {server} gets an error, unless you choose a model that reads more before you approve.", { server })] : [];

  return requestFrame({
    name: t("Sampling request from {server}", { server }),
    heading: t("{server} wants to use the model", { server }),
    symbol: "form",
    message: t("The model would answer the following, with at most {count} tokens, and {server} would get its answer.", { count: sampling.max_tokens, server }),
    deadline: deadlineOf(sampling),
  }, context.countdowns, warningList(warnings), h("dl", { class: "sampling" }, prompt.map(({ role, text }) => [h("dt", {}, roleWords(role)), h("dd", { dir: "auto" }, text)]).flat()), actions);
}

function roleWords(role) {
  return { system: t("Instructions"), user: t("Person"), assistant: t("Assistant") }[role] ?? role;
}
