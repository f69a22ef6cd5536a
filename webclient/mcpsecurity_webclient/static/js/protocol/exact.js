/**
 * JSON that keeps every digit. A number that JavaScript would write as it was written is a number; every other one
 * (725653563933458433, 1.0) is an `ExactNumber`, which is its text.
 */

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = { t: ["true", true], f: ["false", false], n: ["null", null] };
const INTEGER = /^-?\d+$/;
const MAX_DEPTH = 1000;

export class ExactNumber {
  constructor(text) {
    this.text = text;
    Object.freeze(this);
  }

  toString() {
    return this.text;
  }

  valueOf() {
    return Number(this.text);
  }
}

/** Return the number that a JSON number's text stands for. */
export function exactNumber(text) {
  const value = Number(text);
  return String(value) === text ? value : new ExactNumber(text);
}

export function isNumber(value) {
  return typeof value === "number" || value instanceof ExactNumber;
}

/**
 * Read JSON. Throws `SyntaxError`.
 * @param {Set<string>|null} names  only what members of these names hold is exact, at any depth; null: everything
 */
export function readExact(text, names = null) {
  return new Reader(text, names).whole();
}

/** Return a value as JSON text, laid out like `JSON.stringify(value, null, indent)`. */
export function writeExact(value, indent = 0) {
  return written(value, " ".repeat(indent), "");
}

/** Whether two values of JSON are written the same. */
export function same(one, other) {
  return one === other || writeExact(one) === writeExact(other);
}

/** Whether one number is less than another: to the last digit for whole numbers. */
export function isLess(one, other) {
  const [left, right] = [String(one), String(other)];
  return INTEGER.test(left) && INTEGER.test(right) ? BigInt(left) < BigInt(right) : Number(left) < Number(right);
}

/** Return a value for reading: 21.0 is 21, every other number is as it was written. */
export function forReading(value) {
  return withNumbers(value, ({ text }) => exactNumber(text.replace(/\.0+$/, "")));
}

/** Return a value for figures: every number is JavaScript's, except whole ones that would lose digits. */
export function forDrawing(value) {
  return withNumbers(value, (exact) => (INTEGER.test(exact.text) ? exact : Number(exact.text)));
}

function withNumbers(value, change) {
  if (value instanceof ExactNumber) return change(value);
  if (Array.isArray(value)) return value.map((item) => withNumbers(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withNumbers(member, change)]));
}

class Reader {
  constructor(text, names) {
    this._text = text;
    this._names = names;
    this._at = 0;
  }

  whole() {
    const value = this._value(this._names === null, 0);
    this._skip();
    if (this._at < this._text.length) this._fail();
    return value;
  }

  _value(exact, depth) {
    if (depth > MAX_DEPTH) this._fail();
    this._skip();
    const first = this._text[this._at];
    if (first === "{") return this._object(exact, depth);
    if (first === "[") return this._list(exact, depth);
    if (first === '"') return this._string();
    return Object.hasOwn(WORDS, first ?? "") ? this._word(...WORDS[first]) : this._number(exact);
  }

  _object(exact, depth) {
    const object = {};
    this._each("}", () => {
      this._skip();
      const name = this._string();
      this._expect(":");
      const value = this._value(exact || this._names.has(name), depth + 1);
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    });
    return object;
  }

  _list(exact, depth) {
    const list = [];
    this._each("]", () => list.push(this._value(exact, depth + 1)));
    return list;
  }

  /** Read values between brackets, separated by commas. */
  _each(end, read) {
    this._at += 1;
    this._skip();
    if (this._text[this._at] === end) {
      this._at += 1;
      return;
    }
    do read(); while (this._took(","));
    this._expect(end);
  }

  _string() {
    if (this._text[this._at] !== '"') this._fail();
    let end = this._at;
    do end = this._text.indexOf('"', end + 1); while (end > 0 && this._isEscaped(end));
    if (end < 0) this._fail();
    const written = this._text.slice(this._at, end + 1);
    this._at = end + 1;
    return JSON.parse(written);
  }

  _isEscaped(at) {
    let first = at;
    while (this._text[first - 1] === "\\") first -= 1;
    return (at - first) % 2 === 1;
  }

  _number(exact) {
    const text = this._match(NUMBER);
    if (!text) this._fail();
    return exact ? exactNumber(text) : Number(text);
  }

  _word(word, value) {
    if (!this._text.startsWith(word, this._at)) this._fail();
    this._at += word.length;
    return value;
  }

  _took(character) {
    this._skip();
    if (this._text[this._at] !== character) return false;
    this._at += 1;
    return true;
  }

  _expect(character) {
    if (!this._took(character)) this._fail();
  }

  _skip() {
    this._match(SPACE);
  }

  _match(pattern) {
    pattern.lastIndex = this._at;
    const found = pattern.exec(this._text)?.[0] ?? "";
    this._at += found.length;
    return found;
  }

  _fail() {
    throw new SyntaxError(`This is no JSON at character ${this._at}.`);
  }
}

function written(value, indent, margin) {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const inner = margin + indent;
  if (Array.isArray(value)) return bracketed("[]", value.map((item) => written(item, indent, inner)), indent, margin);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const colon = indent ? ": " : ":";
  return bracketed("{}", members.map(([name, member]) => JSON.stringify(name) + colon + written(member, indent, inner)), indent, margin);
}

/** @param {string} brackets  @param {string[]} parts  @param {string} indent  @param {string} margin */
function bracketed([open, close], parts, indent, margin) {
  if (parts.length === 0) return open + close;
  if (!indent) return open + parts.join(",") + close;
  const inner = margin + indent;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`;
}
