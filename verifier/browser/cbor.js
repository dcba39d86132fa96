// Deterministic CBOR, the small part of it that our formats use: ledger/core/cbor.py. Maps are `Map`s; integers
// beyond 2^53 - 1 are BigInts, which no field of ours can hold.
import { concatBytes, decodeUtf8, narrow, readUnsigned } from "./encoding.js"
import { refuse, refuseSpelling } from "./errors.js"

const MAX_CBOR_BYTES = 1 << 16
const MAX_CBOR_LEVELS = 8
const CUT_OFF = "CBOR that is cut off"
const FOREIGN = "CBOR of a kind that has no place here"

const SMALLEST = [24, 1 << 8, 1 << 16, 2 ** 32]

/** The shortest head of an item; `argument` is a Number below 2^32. */
export function encodeHead(major, argument) {
  const short = SMALLEST.findIndex((least) => argument < least)
  if (short === 0) return Uint8Array.of((major << 5) | argument)
  const head = new Uint8Array(1 + (1 << (short - 1)))
  head[0] = (major << 5) | (23 + short)
  for (let at = head.length - 1; at; at--, argument = Math.floor(argument / 256)) head[at] = argument % 256
  return head
}

/** Head and content of a byte string. */
export const encodeByteString = (value) => concatBytes(encodeHead(2, value.length), value)

/** Read exactly one item. */
export function parseCbor(raw, { maxBytes = MAX_CBOR_BYTES } = {}) {
  if (raw.length > maxBytes) refuse("too much CBOR")
  const [value, end] = parse(raw, 0, 1)
  return end === raw.length ? value : refuseSpelling("bytes follow the CBOR")
}

/** Major type, argument and the offset behind the head that starts at `at`. */
function parseHead(raw, at) {
  if (at >= raw.length) refuse(CUT_OFF)
  const major = raw[at] >> 5, short = raw[at] & 31
  if (short < 24) return [major, short, at + 1]
  if (short > 27) refuse(FOREIGN)
  const end = at + 1 + (1 << (short - 24))
  if (end > raw.length) refuse(CUT_OFF)
  const argument = readUnsigned(raw.subarray(at + 1, end))
  if (argument < SMALLEST[short - 24] && major !== 7) refuseSpelling("CBOR that has a shorter form")
  return [major, argument, end]
}

/** One value and the offset behind it. */
function parse(raw, start, level) {
  const [major, argument, at] = parseHead(raw, start)
  if (major === 0) return [argument, at]
  if (major === 1) return [narrow(-1n - BigInt(argument)), at]
  if (major < 4) {
    if (argument > raw.length - at) refuse(CUT_OFF)
    const content = raw.slice(at, at + argument)
    return [major === 2 ? content : decodeUtf8(content), at + argument]
  }
  if (major < 6) {
    if (level > MAX_CBOR_LEVELS) refuse("CBOR nested too deep")
    if (argument > (raw.length - at) / (major - 3)) refuse(CUT_OFF)
    return (major === 4 ? parseArray : parseMap)(raw, at, argument, level + 1)
  }
  if (raw[start] === 0xf4 || raw[start] === 0xf5) return [raw[start] === 0xf5, at]
  return refuse(FOREIGN)
}

function parseArray(raw, at, count, level) {
  const values = []
  while (values.length < count) {
    const [value, end] = parse(raw, at, level)
    values.push(value)
    at = end
  }
  return [values, at]
}

function parseMap(raw, at, count, level) {
  const members = new Map()
  for (let last = -1; members.size < count; ) {
    const [major, key, behind] = parseHead(raw, at)
    if (major) refuse(FOREIGN)
    if (key <= last) refuseSpelling("CBOR with a key twice or out of order")
    last = key
    const [value, end] = parse(raw, behind, level)
    members.set(key, value)
    at = end
  }
  return [members, at]
}
