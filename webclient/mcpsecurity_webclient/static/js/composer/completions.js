/** What a server proposes for the arguments of a prompt or a resource template, while they are typed. */

import { h, uniqueId } from "../ui/dom.js";

const PAUSE_MS = 250;

/**
 * Have the text boxes of a form completed.
 * @param {HTMLElement} form
 * @param {Map<string, HTMLInputElement>} boxes  by the names of the arguments
 * @param {(name: string, values: Record<string, string>) => Promise<{values: string[]}>} complete
 */
export function completed(form, boxes, complete) {
  for (const [name, box] of boxes) {
    const proposals = h("datalist", { id: uniqueId("proposals") });
    box.setAttribute("list", proposals.id);
    form.append(proposals);
    let timer = 0;
    let last = null;
    const ask = async () => {
      if (box.value === last) return;
      last = box.value;
      const values = Object.fromEntries([...boxes].map(([other, { value }]) => [other, value]));
      const found = await complete(name, values).catch(() => ({ values: [] })); // without proposals one can type, too
      if (box.value === last) proposals.replaceChildren(...found.values.map((value) => h("option", { value })));
    };
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    });
    box.addEventListener("focus", ask);
  }
}
