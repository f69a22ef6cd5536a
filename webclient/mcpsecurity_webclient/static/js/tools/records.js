/** A list of records as a table: sorted by any column, with every row in reach, and to be kept as CSV. */

import { isLess, isNumber, writeExact } from "../protocol/exact.js";
import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t, tn } from "../ui/texts.js";
import { download, toCsv } from "./csv.js";

const FIRST_ROWS = 20;
const MORE_ROWS = 200;

export class Records {
  /**
   * @param {Array<Record<string, any>>} records
   * @param {string} name  what the table is called
   * @param {(value: any) => Node} cellView
   */
  constructor(records, name, cellView) {
    this._records = records;
    this._name = name;
    this._cellView = cellView;
    this._columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
    this._sorted = records;
    this._by = { column: "", falling: false };
    this._shown = FIRST_ROWS;
    this._heads = this._columns.map((column) => this._head(column));
    this._body = h("tbody");
    this._more = button("", () => this._showMore(), { kind: "plain" });
    const table = h("table", { class: "records" }, h("caption", { class: "hidden-text" }, name), h("thead", {}, h("tr", {}, this._heads)), this._body);
    const csv = button(t("Download as CSV"), () => download(toCsv(this._columns, this._sorted), `${fileName(name)}.csv`, "text/csv"), { kind: "link" });
    this.element = h("div", { class: "records-view" },
      h("div", { class: "scrolling", tabindex: "0", role: "group", "aria-label": t("Table {name}", { name }) }, table),
      h("div", { class: "records-tools" }, this._more, h("span", { class: "muted" }, tn("{count} row", "{count} rows", records.length)), csv));
    this._draw();
  }

  _head(column) {
    const sort = button(column.replaceAll("_", " "), () => this._sort(column), { kind: "link" });
    return h("th", { scope: "col", dir: "auto", class: this._isNumeric(column) ? "number" : "" }, sort);
  }

  _isNumeric(column) {
    const values = this._records.map((record) => record[column]).filter((value) => value !== null && value !== undefined);
    return values.length > 0 && values.every(isNumber);
  }

  _sort(column) {
    const falling = this._by.column === column && !this._by.falling;
    this._by = { column, falling };
    const ranked = [...this._records].sort((one, other) => compare(one[column], other[column]));
    this._sorted = falling ? ranked.reverse() : ranked;
    this._draw();
  }

  _showMore() {
    const first = this._shown;
    this._shown += MORE_ROWS;
    this._draw();
    const row = this._body.children[first];
    if (row instanceof HTMLElement && this._more.hidden) row.scrollIntoView({ block: "nearest" });
  }

  _draw() {
    const numeric = this._columns.map((column) => this._isNumeric(column));
    const rows = this._sorted.slice(0, this._shown).map((record) => h("tr", {}, this._columns.map((column, index) =>
      h("td", { class: numeric[index] ? "number" : "", dir: numeric[index] ? null : "auto" }, this._cellView(record[column])))));
    this._body.replaceChildren(...rows);
    this._heads.forEach((head, index) => {
      const isSorted = this._columns[index] === this._by.column;
      if (isSorted) head.setAttribute("aria-sort", this._by.falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const left = this._records.length - this._shown;
    this._more.hidden = left <= 0;
    if (left > 0) setText(this._more.lastElementChild, left <= MORE_ROWS ? tn("Show {count} more row", "Show {count} more rows", left) : t("Show {count} more rows", { count: MORE_ROWS }));
  }
}

function compare(one, other) {
  if (one === other) return 0;
  if (one === null || one === undefined) return 1;
  if (other === null || other === undefined) return -1;
  if (isNumber(one) && isNumber(other)) return isLess(one, other) ? -1 : isLess(other, one) ? 1 : 0;
  return words(one).localeCompare(words(other), undefined, { numeric: true });
}

function words(value) {
  return typeof value === "object" ? writeExact(value) : String(value);
}

function fileName(name) {
  return name.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-").replaceAll(/^-+|-+$/g, "").slice(0, 60) || "table";
}
