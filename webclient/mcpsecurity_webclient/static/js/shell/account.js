/** The account menu: appearance, language, notifications. Signing out is a form of the template. */

import { byId } from "../ui/dom.js";
import { anchored } from "../ui/popover.js";
import { t } from "../ui/texts.js";
import { applyTheme, prefer } from "./preferences.js";

export class Account {
  /** @param {{announce: (words: string) => void, notifications: Notifications}} context */
  constructor({ announce, notifications }) {
    this._announce = announce;
    this._notifications = notifications;
    this._notify = byId("notify");
    anchored(byId("account"), byId("account-menu"), () => this._draw());
    byId("theme").addEventListener("change", (event) => this._theme(event.target.value));
    byId("language").addEventListener("change", (event) => this._language(event.target.value));
    this._notify.addEventListener("change", () => this._request());
  }

  _draw() {
    this._notify.checked = this._notifications.on;
  }

  _theme(value) {
    prefer("theme", value);
    applyTheme(value);
  }

  /** The page is loaded again; the draft is kept in the tab. */
  _language(value) {
    prefer("language", value);
    location.reload();
  }

  async _request() {
    const on = await this._notifications.turn(this._notify.checked);
    if (this._notify.checked && !on) this._announce(t("The browser did not allow notifications."));
    this._notify.checked = on;
  }
}
