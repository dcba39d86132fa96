// Typed, strict reading of one JSON object; every error names the member by its path: ledger/core/fields.py.
import { isObject } from "./canonical.js"
import { parseBase64, parseDate, parseDecimal, parseHex, parseInstant, quote } from "./encoding.js"
import { InputError, refuse } from "./errors.js"
import { countBytes, hasForbiddenCharacter, hasOuterSpace } from "./text.js"

export const MAX_TEXT_BYTES = 4096
export const MAX_ITEMS = 10_000

const PATTERNS = new Map()

/** Whether the whole text matches a regular expression, given as its source. */
export function fullmatch(pattern, text) {
  if (!PATTERNS.has(pattern)) PATTERNS.set(pattern, new RegExp(`^(?:${pattern})$`, "u"))
  return PATTERNS.get(pattern).test(text)
}

/** Strict access to the members of one object: each is handed out once, `finish` refuses what nobody asked for. */
export class Reader {
  #left
  constructor(value, path = "") {
    if (!isObject(value)) refuse("an object is expected here", path || null)
    this.path = path
    this.#left = new Map(Object.entries(value))
  }

  /** Whether a member is there and has not been read yet. */
  has(name) { return this.#left.has(name) }

  pathOf(name) { return this.path ? `${this.path}.${name}` : name }

  refuse(name, message) { return refuse(message, this.pathOf(name)) }

  finish() {
    const names = [...this.#left.keys()].sort().slice(0, 8).map((name) => quote(name).slice(1, -1))
    if (names.length) refuse(`unknown member${this.#left.size > 1 ? "s" : ""}: ${names.join(", ")}`, this.path || null)
  }

  text(name, options = {}) { return this.#checkText(name, this.#take(name), options) }

  /** A text of several lines as it stands; its own parser judges it. */
  lines(name, { maxBytes }) {
    const value = this.#takeText(name)
    return countBytes(value) > maxBytes ? this.refuse(name, `text of more than the ${maxBytes} bytes that are allowed`) : value
  }

  integer(name, low, high) {
    const value = this.#take(name)
    if (!Number.isInteger(value)) this.refuse(name, "an integer is expected here")
    return low <= value && value <= high ? value : this.refuse(name, `${value} is not between ${low} and ${high}`)
  }

  boolean(name) {
    const value = this.#take(name)
    return typeof value === "boolean" ? value : this.refuse(name, "true or false is expected here")
  }

  decimal(name) { return this.parse(name, parseDecimal) }

  date(name) { return this.parse(name, parseDate) }

  instant(name) { return this.parse(name, parseInstant) }

  hex(name, size) { return this.parse(name, (text) => parseHex(text, { size })) }

  base64(name, options) { return this.parse(name, (text) => parseBase64(text, options)) }

  /** One of the values of an enumeration `{NAME: value}`. */
  enum(name, kind) {
    const value = this.#takeText(name), values = Object.values(kind)
    return values.includes(value) ? value : this.refuse(name, `${quote(value)} is not one of: ${values.join(", ")}`)
  }

  object(name) { return new Reader(this.#take(name), this.pathOf(name)) }

  members(name) {
    const value = this.#take(name)
    return isObject(value) ? value : this.refuse(name, "an object is expected here")
  }

  objects(name, options) {
    return this.values(name, options).map((item, at) => new Reader(item, `${this.pathOf(name)}[${at}]`))
  }

  texts(name, options = {}) {
    return this.values(name, options).map((item, at) => this.#checkText(`${name}[${at}]`, item, options))
  }

  /** A list as it stands, for a parser of its own. */
  values(name, { least = 0, most = MAX_ITEMS } = {}) {
    const value = this.#take(name)
    if (!Array.isArray(value)) this.refuse(name, "a list is expected here")
    const fits = least <= value.length && value.length <= most
    return fits ? value : this.refuse(name, `a list of ${value.length} items, expected ${least} to ${most}`)
  }

  /** What a function makes of a text member; its refusal is about that member. */
  parse(name, parse) {
    const text = this.#takeText(name)
    try {
      return parse(text)
    } catch (error) {
      throw error instanceof InputError ? new error.constructor(error.reason, { field: this.pathOf(name) }) : error
    }
  }

  optDecimals(...names) { return names.map((name) => this.optDecimal(name)) }

  #take(name) {
    const value = this.#left.get(name)
    return this.#left.delete(name) ? value : this.refuse(name, "this member is missing")
  }

  #takeText(name) {
    const value = this.#take(name)
    return typeof value === "string" ? value : this.refuse(name, "text is expected here")
  }

  #checkText(name, value, { maxBytes = MAX_TEXT_BYTES, pattern = null }) {
    if (typeof value !== "string") this.refuse(name, "text is expected here")
    if (!value) this.refuse(name, "text must not be empty")
    if (hasOuterSpace(value)) this.refuse(name, "text must not begin or end with white space")
    if (hasForbiddenCharacter(value)) this.refuse(name, "text must not hold control characters or characters that change its direction")
    const size = countBytes(value)
    if (size > maxBytes) this.refuse(name, `text of ${size} bytes, at most ${maxBytes} are allowed`)
    if (pattern !== null && !fullmatch(pattern, value)) this.refuse(name, `${quote(value)} does not have the form ${pattern}`)
    return value
  }
}

// The same, absent allowed: `optText`, `optInteger` and so on return null then.
for (const kind of ["text", "integer", "boolean", "decimal", "date", "instant", "hex", "base64", "enum", "object", "objects", "texts"]) {
  Reader.prototype["opt" + kind[0].toUpperCase() + kind.slice(1)] = function (name, ...rest) {
    return this.has(name) ? this[kind](name, ...rest) : null
  }
}
