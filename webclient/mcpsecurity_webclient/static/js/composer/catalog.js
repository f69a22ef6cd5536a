/** The servers' prompts and resources, fetched when they are first needed and again when they changed. */

export class Catalog {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._version = 0;
    this._loaded = null;
    this._pending = null;
  }

  /** Note that the servers' lists may have changed. */
  update(state) {
    this._version = state.catalogVersion;
  }

  /** Return {prompts, resources, templates, servers}; empty lists when they cannot be had. */
  async load() {
    if (this._loaded?.version === this._version) return this._loaded.catalog;
    this._pending ??= this._fetch(this._version).finally(() => (this._pending = null));
    return this._pending;
  }

  async _fetch(version) {
    try {
      const catalog = await this._context.commands.catalog();
      this._loaded = { version, catalog };
      return catalog;
    } catch (error) {
      this._context.report(error);
      return { prompts: [], resources: [], templates: [], servers: [] };
    }
  }
}
