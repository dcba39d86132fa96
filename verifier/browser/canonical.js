// The one reader and writer of JSON, strict both ways: ledger/core/canonical.py. Objects have no prototype.
import { compareBytes, decodeUtf8, encodeUtf8, quote } from "./encoding.js"
import { refuse, refuseSpelling } from "./errors.js"

export const MAX_BYTES = 1 << 20
export const MAX_LEVELS = 32

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y
const STRING = /"([^"\\\0-\x1f]*)(")?/y
const ESCAPED = /(?:[^"\\\0-\x1f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))/y
const LONE = /\p{Cs}/u

/** Whether a value is an object of JSON. */
export const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value)

const isName = (name) => /^[ -~]*$/.test(name)

/** Say what is wrong with a text, or undefined. */
function findTextFault(text) {
  if (text.includes("\0")) return "text must not hold the character U+0000"
  if (LONE.test(text)) return "text must not hold half of a surrogate pair"
}

/** The canonical spelling (RFC 8785) of a value of the profile; any other is refused. */
export const encodeCanonicalJson = (value) => encodeUtf8(spell(value, "", 1))

function spell(value, path, level) {
  const field = path || null
  if (typeof value === "string") {
    const fault = findTextFault(value)
    return fault ? refuse(fault, field) : JSON.stringify(value)
  }
  if (typeof value === "boolean") return String(value)
  if (Number.isSafeInteger(value)) return String(value)
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) {
    refuse(value === null ? "null is not allowed: leave the member out" : "a value that has no place in JSON of this profile", field)
  }
  if (level > MAX_LEVELS) refuse(`nested deeper than ${MAX_LEVELS} levels`, field)
  if (Array.isArray(value)) return `[${value.map((item, at) => spell(item, `${path}[${at}]`, level + 1)).join()}]`
  const members = Object.keys(value).sort().map((name) => {
    if (!isName(name)) refuse(`the member name ${quote(name)} is not printable ASCII`, field)
    return JSON.stringify(name) + ":" + spell(value[name], path ? `${path}.${name}` : name, level + 1)
  })
  return `{${members.join()}}`
}

/** Read a document that must be in its canonical spelling, byte for byte. */
export function parseCanonicalJson(raw, options) {
  const value = parseJson(raw, options)
  if (compareBytes(encodeCanonicalJson(value), raw)) refuseSpelling("not in canonical form")
  return value
}

/** Read a document written by people: white space, order of members and escapes are free. */
export function parseJson(raw, { maxBytes = MAX_BYTES } = {}) {
  if (raw.length > maxBytes) refuse(`${raw.length} bytes are more than the ${maxBytes} allowed here`)
  const text = decodeUtf8(raw)
  if (text[0] === "\ufeff") refuse("the file starts with a byte order mark: save it as UTF-8 without one")
  const reader = new Parser(text)
  const value = reader.value("", 1)
  reader.space()
  return reader.at === text.length ? value : reader.fail("extra data")
}

class Parser {
  constructor(text) {
    this.text = text
    this.at = 0
  }

  fail(message, field = null) {
    const before = this.text.slice(0, this.at).split("\n")
    const position = ` (line ${before.length} column ${[...before.pop()].length + 1})`
    return refuse((field === null ? "not JSON: " : "") + message + position, field || null)
  }

  match(pattern) {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found) this.at = pattern.lastIndex
    return found
  }

  space() { this.match(SPACE) }

  /** Step over one of these characters and the space around it, if it is there. */
  take(characters) {
    this.space()
    const found = this.text[this.at]
    if (found === undefined || !characters.includes(found)) return ""
    this.at++
    this.space()
    return found
  }

  value(path, level) {
    this.space()
    const first = this.text[this.at]
    if (first === '"') return this.string(path)
    if (first === "{" || first === "[") {
      if (level > MAX_LEVELS) this.fail(`nested deeper than ${MAX_LEVELS} levels`, path)
      this.at++
      return first === "{" ? this.object(path, level) : this.array(path, level)
    }
    for (const [word, value] of [["true", true], ["false", false]]) {
      if (this.text.startsWith(word, this.at)) { this.at += word.length; return value }
    }
    return this.number(path)
  }

  number(path) {
    const found = this.match(NUMBER)
    if (!found) return this.text.startsWith("null", this.at) ? this.fail("null is not allowed: leave the member out", path) : this.fail("a value is expected here")
    const [text, fraction, exponent] = found
    if (fraction || exponent) this.fail(`the number ${text.slice(0, 40)} must be written as text`, path)
    if (text === "-0") this.fail("zero is written without a minus sign", path)
    const value = Number(text)
    return Number.isSafeInteger(value) ? value : this.fail("an integer beyond ±(2**53 - 1) must be written as text", path)
  }

  string(path) {
    const start = this.at
    const [, plain, end] = this.match(STRING) ?? this.fail("text is expected here")
    let text = plain
    if (!end) {
      while (this.match(ESCAPED));
      if (this.text[this.at++] !== '"') this.fail("a text that does not end, or a wrong character in it")
      text = JSON.parse(this.text.slice(start, this.at))
    }
    const fault = findTextFault(text)
    return fault ? this.fail(fault, path) : text
  }

  array(path, level) {
    const items = []
    if (this.take("]")) return items
    for (;;) {
      items.push(this.value(`${path}[${items.length}]`, level + 1))
      const next = this.take(",]")
      if (next === "]") return items
      if (!next) this.fail("a comma is expected here")
    }
  }

  object(path, level) {
    const members = Object.create(null)
    if (this.take("}")) return members
    for (;;) {
      const name = this.string(path)
      if (!isName(name)) this.fail(`the member name ${quote(name)} is not printable ASCII`, path)
      const inner = path ? `${path}.${name}` : name
      if (name in members) this.fail("this member stands here twice", inner)
      if (!this.take(":")) this.fail("a colon is expected here")
      members[name] = this.value(inner, level + 1)
      const next = this.take(",}")
      if (next === "}") return members
      if (!next) this.fail("a comma is expected here")
    }
  }
}

/** The value if it is an object. */
export const asObject = (value, path = "") => (isObject(value) ? value : refuse("an object is expected here", path || null))
