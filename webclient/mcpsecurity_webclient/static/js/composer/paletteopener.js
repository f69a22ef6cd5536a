/** Opens the palette of prompts, whose module is loaded when it is first asked for. */

import { byId } from "../ui/dom.js";
import { onDemand } from "../ui/ondemand.js";

export class PaletteOpener {
  /** @param {PageContext} context  @param {Composer} composer  @param {Catalog} catalog */
  constructor(context, composer, catalog) {
    this._context = context;
    this._composer = composer;
    this._catalog = catalog;
    /** @type {Palette | null} */
    this._palette = null;
    /** @type {Promise<void> | null} */
    this._opening = null;
    byId("open-prompts").addEventListener("click", () => this._openAll());
  }

  /** Follow the text of the message box; see `Palette.changed`. Text typed while the module loads counts, too. */
  changed(text) {
    if (this._palette) this._palette.changed(text);
    else if (text.startsWith("/")) this._opening ??= this._open().finally(() => (this._opening = null));
  }

  /** Choose the first prompt if the palette is about to open. Returns whether it was: Enter was meant for it then. */
  async enter() {
    if (!this._opening) return false;
    await this._opening;
    if (!this._palette?.isOpen) return false;
    await this._palette.enter();
    return true;
  }

  async _open() {
    (await this._load(() => this._open()))?.changed(this._composer.text);
  }

  async _openAll() {
    (await this._load(() => this._openAll()))?.open();
  }

  /** @param {() => any} again  what needs the palette */
  async _load(again) {
    const module = await onDemand(() => import("./palette.js"), this._context, again);
    if (module) this._palette ??= new module.Palette(this._context, this._composer, this._catalog);
    return this._palette;
  }
}
