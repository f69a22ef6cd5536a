/** The line below the message box: which model answers, and how the connection is. Also the notice of an ended session. */

import { byId, setText } from "../ui/dom.js";
import { waitingCount } from "../protocol/state.js";
import { t } from "../ui/texts.js";

export class Status {
  constructor() {
    this._model = byId("model");
    this._hint = byId("hint");
    this._connection = byId("connection");
    this._ended = byId("ended");
    this._link = byId("sign-in-again");
  }

  update(state) {
    const { model, connection, ended, run } = state;
    setText(this._model, model?.offline ? t("Demo model (rules, no AI)") : (model?.title || model?.name || ""));
    setText(this._connection, connectionWords(connection) || (waitingCount(state) > 0 ? t("Needs your decision") : run ? t("Answering…") : ""));
    this._connection.classList.toggle("lost", connection === "lost");
    this._hint.hidden = this._connection.textContent !== "";
    this._ended.hidden = ended === null;
    if (ended !== null) this._link.href = ownPath(ended.signInUrl);
  }
}

function connectionWords(connection) {
  return { connecting: t("Connecting…"), lost: t("Connection lost. Trying again…") }[connection] ?? "";
}

/** Only a path of this site is followed, whatever a payload says. */
function ownPath(url) {
  const target = URL.canParse(url ?? "", location.href) ? new URL(url ?? "", location.href) : null;
  return target?.origin === location.origin && url ? target.pathname + target.search : "/signin";
}
