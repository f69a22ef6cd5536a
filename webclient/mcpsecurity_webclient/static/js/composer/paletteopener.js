/** Opens the palette of prompts, whose module is loaded when it is first asked for. */

import { byId } from "../ui/dom.js";
import { t } from "../ui/texts.js";

export class PaletteOpener {
  /** @param {PageContext} context  @param {Composer} composer  @param {Catalog} catalog */
  constructor(context, composer, catalog) {
    this._context = context;
    this._composer = composer;
    this._catalog = catalog;
    /** @type {Palette | null} */
    this._palette = null;
    byId("open-prompts").addEventListener("click", async () => (await this._load())?.open());
  }

  /** Follow the text of the message box; see `Palette.changed`. What is typed while the module comes counts, too. */
  async changed(text) {
    if (this._palette) this._palette.changed(text);
    else if (text.startsWith("/")) (await this._load())?.changed(this._composer.text);
  }

  async _load() {
    const module = await import("./palette.js").catch(() => null);
    if (!module) this._context.tell(t("The chat cannot be reached. Nothing was changed."));
    else this._palette ??= new module.Palette(this._context, this._composer, this._catalog);
    return this._palette;
  }
}
