// Strict text spellings of bytes, dates (days since 1970-01-01), instants (ms UTC) and decimals: ledger/core/encoding.py.
import { refuse, refuseSpelling } from "./errors.js"

const QUOTED = 60
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const WRITER = new TextEncoder()

/** The text shortened and escaped, so that a sentence can show it safely. */
export const quote = (text, most = QUOTED) =>
  "'" + [...text].slice(0, most).join("").replace(/[^ -~]|['\\]/gu, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}") + "'"

/** Bytes of UTF-8. */
export const encodeUtf8 = (text) => WRITER.encode(text)

/** Text of strict UTF-8; `message` says what is wrong otherwise. A byte order mark stays a character. */
export function decodeUtf8(raw, message = "not UTF-8") {
  try { return UTF8.decode(raw) } catch { return refuse(message) }
}

/** One byte string of all. */
export function concatBytes(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) { whole.set(part, at); at += part.length }
  return whole
}

/** Whether two byte strings are the same. */
export const equalBytes = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at])

/** Below, at or above 0: the order of two byte strings. */
export function compareBytes(a, b) {
  for (let at = 0; at < a.length && at < b.length; at++) if (a[at] !== b[at]) return a[at] - b[at]
  return a.length - b.length
}

/** Lower-case hexadecimal digits, two a byte. */
export const encodeHex = (raw) => Array.from(raw, (byte) => (byte < 16 ? "0" : "") + byte.toString(16)).join("")

const ANY_HEX = /^[\t-\r ]*(?:[0-9a-f]{2}[\t-\r ]*)*$/i

/** Bytes of lower-case hexadecimal digits; `size` of them if given. */
export function parseHex(text, { size = null } = {}) {
  if (size !== null && text.length !== 2 * size) {
    refuse(`expected ${2 * size} hexadecimal digits`)
  }
  if (text.length % 2 || /[^0-9a-f]/.test(text)) {
    if (!ANY_HEX.test(text)) refuse(`${quote(text)} is not hexadecimal`)
    refuseSpelling("hexadecimal digits are written in lower case")
  }
  const raw = new Uint8Array(text.length / 2)
  for (let at = 0; at < raw.length; at++) raw[at] = parseInt(text.slice(2 * at, 2 * at + 2), 16)
  return raw
}

/** Padded standard base64 (RFC 4648 §4). */
export function encodeBase64(raw) {
  let text = ""
  for (let at = 0; at < raw.length; at += 4096) text += String.fromCharCode(...raw.subarray(at, at + 4096))
  return btoa(text)
}

/** Bytes of padded standard base64 in its one spelling; `size` of them if given. */
export function parseBase64(text, { size = null } = {}) {
  const [, data, pad] = /^([A-Za-z0-9+/]*)(=*)$/.exec(text) ?? [], over = data?.length % 4
  const fits = over !== 1 && pad?.length === (4 - over) % 4
  if (!fits && (!data || over)) refuse(`${quote(text)} is not padded standard base64`)
  const raw = fits && Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  if (!fits || encodeBase64(raw) !== text) refuseSpelling("base64 with other trailing bits or padding")
  if (size !== null && raw.length !== size) refuse(`expected ${size} bytes in base64`)
  return raw
}

/** Big-endian bytes as a BigInt. */
export const bigFromBytes = (raw) => BigInt("0x0" + encodeHex(raw))

/** A BigInt as `size` big-endian bytes, or as few as it needs. */
export function bytesFromBig(value, size = null) {
  const digits = value.toString(16)
  return parseHex(digits.padStart(size === null ? digits.length + (digits.length % 2) : 2 * size, "0"))
}

/** A BigInt as a Number where it is one exactly; larger ones stay as they are: they compare well and equal no index. */
export const narrow = (value) => (-(2n ** 53n) < value && value < 2n ** 53n ? Number(value) : value)

/** Big-endian bytes as a Number, or a BigInt beyond 2^53 - 1. */
export const readUnsigned = (raw) => narrow(bigFromBytes(raw))

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

/** Base58 in the Bitcoin alphabet, one leading `1` a leading zero byte. */
export function encodeBase58(raw) {
  let text = ""
  for (let number = bigFromBytes(raw); number; number /= 58n) text = BASE58[Number(number % 58n)] + text
  const zeros = raw.findIndex((byte) => byte)
  return "1".repeat(zeros < 0 ? raw.length : zeros) + text
}

/** Bytes of a base58 text, at most `maxBytes` of them. */
export function parseBase58(text, { maxBytes = 128 } = {}) {
  const no = () => refuse(`${quote(text)} is not base58 of at most ${maxBytes} bytes`)
  if (text.length > Math.min(Math.floor((maxBytes * 7) / 5) + 1, 180)) no()
  let number = 0n
  for (const character of text) {
    const value = BASE58.indexOf(character)
    if (value < 0) no()
    number = number * 58n + BigInt(value)
  }
  const zeros = new Uint8Array(text.match(/^1*/)[0].length)
  const raw = number ? concatBytes(zeros, bytesFromBig(number)) : zeros
  return raw.length > maxBytes ? no() : raw
}

/** Milliseconds. */
export const DAY = 864e5
const FIRST = Date.parse("0001-01-01T00:00:00Z")
const LAST = Date.parse("9999-12-31T23:59:59.999Z")

/** Milliseconds of an ISO text, null if there is no such time in the years 1 to 9999. */
function readIso(iso, whole) {
  const time = Date.parse(iso)
  return time >= FIRST && time <= LAST && new Date(time).toISOString().startsWith(whole) ? time : null
}

/** `YYYY-MM-DD` of days since 1970-01-01. */
export const encodeDate = (days) => new Date(days * DAY).toISOString().slice(0, 10)

/** Days since 1970-01-01 of `YYYY-MM-DD`. */
export function parseDate(text) {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? readIso(text + "T00:00:00Z", text) : null
  return time === null ? refuse(`${quote(text)} is not a date YYYY-MM-DD`) : time / DAY
}

/** Whether a number of days is a date of the years 1 to 9999. */
export const isDate = (days) => days * DAY >= FIRST && days * DAY <= LAST

/** `YYYY-MM-DDTHH:MM:SSZ`, or with `.mmm` when the milliseconds are not zero. */
export function encodeInstant(instant) {
  if (!Number.isInteger(instant) || instant < FIRST || instant > LAST) {
    refuse("an instant outside the years 1 to 9999")
  }
  return new Date(instant).toISOString().replace(".000Z", "Z")
}

/** Milliseconds of `YYYY-MM-DDTHH:MM:SSZ`, or of the same with `.mmm` other than `.000`. */
export function parseInstant(text) {
  const fits = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/.test(text) && !text.endsWith(".000Z")
  const time = fits ? readIso(text, text.slice(0, -1)) : null
  if (time === null) refuse(`${quote(text)} is not an instant YYYY-MM-DDTHH:MM:SSZ`)
  return time
}

/** A decimal number as written: coefficient · 10^exponent, the exponent at most 0; `exact.js` computes with it. */
export class Decimal {
  constructor(coefficient, exponent) {
    this.coefficient = coefficient
    this.exponent = exponent
    Object.freeze(this)
  }
}

/** The decimal of plain digits, at most 30 of them; trailing zeros are kept, as they state a resolution. */
export function parseDecimal(text) {
  const digits = text.replace(".", ""), point = text.indexOf(".")
  const isPlain = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text) && !/^-0*$/.test(digits) && digits.length - (text[0] === "-") <= 30
  if (!isPlain) refuse(`${quote(text)} is not a plain decimal number such as 0.05 or -12`)
  const coefficient = BigInt(digits)
  return new Decimal(coefficient, point < 0 ? 0 : point + 1 - text.length)
}
