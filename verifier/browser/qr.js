// Text forms of a statement for QR codes, reading only: ledger/core/qr.py.
import { CODE_DOMAIN } from "./constants.js"
import { bigFromBytes, bytesFromBig, quote } from "./encoding.js"
import { InputError, MalformedDocumentError, PolicyMismatchError, refuse, refuseSpelling } from "./errors.js"
import { sha256 } from "./sha256.js"

export const MAX_PRINTED_BYTES = 214
export const CODE_SYMBOLS = 16
export const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
export const MAX_TEXT = 1_024

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
const HOST = new RegExp(`^(${LABEL}(?:\\.${LABEL})*)(?::([1-9][0-9]{0,4}))?$`)
const DIGITS_OF_BYTE = 8 * Math.log10(2)

/** The statement behind version digit and digits. */
export function parseDigits(digits) {
  if (!/^[0-9]+$/.test(digits)) refuse("the code's content is not made of the digits 0 to 9 only")
  if (digits[0] !== "1") refuse(`the code has format ${digits[0]}; this reader knows 1`)
  const width = digits.length - 1, size = Math.floor(width / DIGITS_OF_BYTE)
  if (size < 1 || size > MAX_PRINTED_BYTES || Math.ceil(size * DIGITS_OF_BYTE) !== width) {
    refuse(`no statement has ${width} digits: some are missing or too many`)
  }
  const number = BigInt(digits.slice(1))
  if (number >> BigInt(8 * size)) refuseSpelling(`the digits stand for a number larger than ${size} bytes hold`)
  return bytesFromBig(number, size)
}

/** The short code of a statement of any length. */
export function computeCode(statement) {
  return completeCode(spellSymbols(bigFromBytes(sha256(CODE_DOMAIN, statement)) >> 181n, CODE_SYMBOLS - 1))
}

/** The lowest `5 * count` bits of a number as so many symbols, most significant first. */
export const spellSymbols = (number, count) =>
  Array.from({ length: count }, (_, at) => ALPHABET[Number((BigInt(number) >> BigInt(5 * (count - 1 - at))) & 31n)]).join("")

/** 15 symbols with their check symbol. */
export const completeCode = (symbols) => symbols + ALPHABET[multiplyByX(computeSyndrome(symbols))]

/** The code that a person typed: hyphens, lower case and O, I, L for 0, 1, 1 are understood. */
export function parseCode(text) {
  if (text.length > 4 * CODE_SYMBOLS || /[^\0-\x7f]/.test(text)) refuse(`a code has ${CODE_SYMBOLS} letters and digits`)
  const code = text.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1").replaceAll("-", "")
  for (const symbol of code) if (!ALPHABET.includes(symbol)) refuse(`no code has the character ${quote(symbol)}`)
  if (code.length !== CODE_SYMBOLS) refuse(`a code has ${CODE_SYMBOLS} letters and digits, not ${code.length}`)
  return computeSyndrome(code) ? refuse("a letter or digit of the code is wrong or in the wrong place") : code
}

/** A code as it is printed: four groups of four. */
export const formatCode = (code) => code.match(/.{4}/g).join("-")

/** A host that may stand in a code: lower-case DNS name, `:port` for development. */
export function parseHost(host) {
  const [, name, port] = (host.length <= 259 && HOST.exec(host)) || []
  if (!name || name.length > 253) refuse("the host is not a lower-case DNS name")
  if (!/^[a-z]/.test(name.split(".").at(-1))) refuse("the host is an IP address, not a DNS name")
  return port === "443" || Number(port) > 65_535 ? refuse("the port is the default one or above 65535") : host
}

/** What a QR code says: {statement, host} or {code, host}; only the pinned host is believed, if one is given. */
export function parseQrText(text, { host }) {
  const [found, kind, content] = split(text)
  if (host !== null && found !== parseHost(host)) {
    throw new PolicyMismatchError(`this QR code is of the site ${found}, not of ${host}: do not rely on it`)
  }
  return kind === "q" ? { statement: parseDigits(content), host: found } : { code: parseCode(content), host: found }
}

function split(text) {
  const other = "this is a QR code of something else"
  if (!text.startsWith("https://") || [...text].length > MAX_TEXT) refuse(`${other}: its text is not an https:// address of a certificate`)
  const parts = text.slice(8).split("/")
  let host
  try { host = parseHost(parts[0]) } catch (error) {
    throw error instanceof InputError ? new MalformedDocumentError(`${other}: ${error.message}`) : error
  }
  if (parts[1] === "s") refuse("this is the QR code of a sticker: what it stands for must be looked up online")
  if (parts.length !== 3 || !["q", "c"].includes(parts[1])) refuse(`${other}: the address is not one of a certificate`)
  return [host, parts[1], parts[2]]
}

/** The sum of x^(last - i) * value_i in GF(32), by Horner's rule. */
const computeSyndrome = (symbols) => [...symbols].reduce((total, symbol) => multiplyByX(total) ^ ALPHABET.indexOf(symbol), 0)

/** A value times x modulo x^5 + x^2 + 1. */
const multiplyByX = (value) => (value & 16 ? (value << 1) ^ 0b100101 : value << 1)
