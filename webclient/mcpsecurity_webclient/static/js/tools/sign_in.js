/** A running call that waits until the person has signed in for what its server asks for. */

import { h, setText } from "../ui/dom.js";
import { t } from "../ui/texts.js";

const WORDS = {
  scope: () => t("This tool needs another permission of yours. Sign in to give it; the call then goes on."),
  claims: () => t("This tool needs another step at sign-in. The call then goes on."),
};

export function signInView() {
  const words = h("p", { class: "card-description" });
  const link = h("a", { class: "button primary" }, t("Sign in and go on"));
  const element = h("div", { class: "card-body", hidden: true }, words, link);

  /** @param {{status: string, sign_in?: {url: string, kind: string}}} call */
  function update({ status, sign_in: needed }) {
    element.hidden = status !== "running" || !needed;
    if (!needed) return;
    setText(words, (WORDS[needed.kind] ?? WORDS.claims)());
    link.href = ownPath(needed.url);
  }

  return { element, update };
}

/** Only a path of this site is followed; other addresses in a payload are not. */
function ownPath(url) {
  const target = URL.canParse(url ?? "", location.href) ? new URL(url ?? "", location.href) : null;
  return target?.origin === location.origin && url ? target.pathname + target.search : "/signin";
}
