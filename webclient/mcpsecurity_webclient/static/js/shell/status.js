/** The line below the message box: which model answers, and how the connection is. Also the notice of an ended session. */

import { byId, setText } from "../ui/dom.js";
import { waitingCount } from "../protocol/state.js";
import { t } from "../ui/texts.js";

export class Status {
  /** @param {() => void} reconnect  tries to connect again at once */
  constructor(reconnect) {
    this._again = byId("reconnect");
    this._again.addEventListener("click", reconnect);
    this._model = byId("model");
    this._hint = byId("hint");
    this._connection = byId("connection");
    this._ended = byId("ended");
    this._link = byId("sign-in-again");
  }

  update(state) {
    const { model, models, ended, run } = state;
    const connection = ended === null ? state.connection : ""; // its notice says enough
    setText(this._model, model?.offline ? t("Demo model (rules, no AI)") : (model?.title || model?.name || ""));
    this._model.hidden = models.length > 1 && !model?.offline; // the choice names it
    setText(this._connection, connectionWords(connection) || waitingWords(state) || (run ? t("Answering…") : ""));
    const isLost = connection === "lost" || connection === "offline";
    this._connection.classList.toggle("lost", isLost);
    this._again.hidden = !isLost;
    this._hint.hidden = this._connection.textContent !== "";
    this._ended.hidden = ended === null;
    if (ended !== null) this._link.href = signInPath(ended.signInUrl, state.order.length > 0);
  }
}

/** Return what the chat needs of the person: a decision about a call, or an answer to a server; else "". */
function waitingWords(state) {
  if (waitingCount({ ...state, elicitations: {}, samplings: {} }) > 0) return t("Needs your decision");
  return waitingCount(state) > 0 ? t("Needs your answer") : "";
}

function connectionWords(connection) {
  const words = {
    connecting: () => t("Connecting…"),
    lost: () => t("Connection lost. It is tried again."),
    offline: () => t("You seem to be offline."),
  };
  return words[connection]?.() ?? "";
}

/** Return where to sign in, and come back to this chat if there is anything in it. Only a path of this site is followed. */
function signInPath(url, comesBack) {
  const own = URL.canParse(url ?? "", location.href) && new URL(url ?? "", location.href).origin === location.origin;
  const target = new URL(own && url ? url : "/signin", location.href);
  if (comesBack && !target.searchParams.has("next")) target.searchParams.set("next", `/chats/${document.body.dataset.chatId}`);
  return target.pathname + target.search;
}
