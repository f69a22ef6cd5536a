/** Elements made without markup: every string becomes a text node, so nothing a server sends can turn into HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an HTML element.
 * @param {string} tag
 * @param {any} attributes  `on…` functions become listeners; null, undefined and false are left out; true is empty
 * @param {...(Node|string|null|Array<any>)} children
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element, like `h`. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * Return the element with this id; the template has it.
 * @param {string} id
 * @returns {any}  of the kind that the template has there
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/** Make `elements` the children of `parent`, in order, without moving those that are in place: focus stays. */
export function arrange(parent, elements) {
  const wanted = new Set(elements);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  elements.forEach((element, index) => {
    const current = parent.children[index] ?? null;
    if (current !== element) parent.insertBefore(element, current);
  });
}

/** Set the text of an element, leaving the DOM alone when nothing changes. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let count = 0;

/** Return an id that no other element of the page has. */
export function uniqueId(prefix) {
  count += 1;
  return `${prefix}-${count}`;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
