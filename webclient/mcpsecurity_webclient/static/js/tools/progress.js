/** The progress of a running call, with or without a known total. */

import { h } from "../ui/dom.js";
import { number, percent, t } from "../ui/texts.js";

export function progressView() {
  const bar = h("progress", { "aria-label": t("Progress") });
  let words = h("span", { class: "progress-words", dir: "auto" });
  const element = h("div", { class: "progress", hidden: true }, bar, words);

  function update({ status, progress }, paused) {
    element.hidden = paused || !["running", "approved"].includes(status);
    if (element.hidden) return;
    const total = progress?.total;
    if (typeof total === "number" && total > 0) {
      bar.max = total;
      bar.value = Math.min(progress.progress, total);
    } else {
      bar.removeAttribute("value");
    }
    if (words.textContent === wording(progress)) return;
    const said = h("span", { class: "progress-words", dir: "auto" }, wording(progress));
    words.replaceWith(said);
    words = said;
  }

  return { element, update };
}

function wording(progress) {
  if (!progress) return "";
  const { progress: done, total, message } = progress;
  const amount = typeof total === "number" && total > 0 ? percent(Math.min(done, total) / total) : number(done);
  return message ? `${message} · ${amount}` : amount;
}
