// Text forms of a statement for QR codes, reading only: ledger/core/qr.py.
import { CODE_DOMAIN } from "./constants.js"
import { bigFromBytes, bytesFromBig } from "./encoding.js"
import { refuse, refuseSpelling } from "./errors.js"
import { sha256 } from "./sha256.js"

const MAX_PRINTED_BYTES = 214
const CODE_SYMBOLS = 16
export const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
const HOST = new RegExp(`^(${LABEL}(?:\\.${LABEL})*)(?::([1-9][0-9]{0,4}))?$`)
const DIGITS_OF_BYTE = 8 * Math.log10(2)

/** The statement behind version digit and digits. */
export function parseDigits(digits) {
  const width = digits.length - 1, size = Math.floor(width / DIGITS_OF_BYTE)
  if (!/^1[0-9]+$/.test(digits) || size < 1 || size > MAX_PRINTED_BYTES || Math.ceil(size * DIGITS_OF_BYTE) !== width) {
    refuse("not the digits of a statement: some are missing or too many")
  }
  const number = BigInt(digits.slice(1))
  if (number >> BigInt(8 * size)) refuseSpelling("digits of too large a number")
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
  const code = text.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1").replaceAll("-", "")
  const isCode = text.length <= 64 && !/[^\0-\x7f]/.test(text) && code.length === CODE_SYMBOLS
  if (!isCode || [...code].some((symbol) => !ALPHABET.includes(symbol))) refuse(`a code has ${CODE_SYMBOLS} letters and digits`)
  return computeSyndrome(code) ? refuse("a letter or digit of the code is wrong or in the wrong place") : code
}

/** A host that may stand in a code: lower-case DNS name, `:port` for development. */
export function parseHost(host) {
  const [, name, port] = (host.length <= 259 && HOST.exec(host)) || []
  const isName = name && name.length <= 253 && /^[a-z]/.test(name.split(".").at(-1)) && port !== "443" && !(port > 65_535)
  return isName ? host : refuse("not a lower-case DNS name of a host")
}

/** The sum of x^(last - i) * value_i in GF(32), by Horner's rule. */
const computeSyndrome = (symbols) => [...symbols].reduce((total, symbol) => multiplyByX(total) ^ ALPHABET.indexOf(symbol), 0)

/** A value times x modulo x^5 + x^2 + 1. */
const multiplyByX = (value) => (value & 16 ? (value << 1) ^ 0b100101 : value << 1)
