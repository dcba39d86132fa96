// The leaf: a 128-byte header written by the log, then the statement byte for byte: ledger/core/entry.py.
import { encodeHex, equalBytes, readUnsigned } from "./encoding.js"
import { refuse } from "./errors.js"
import { EventType } from "./event.js"
import { sha256 } from "./sha256.js"

export const HEADER_BYTES = 128
export const MAX_LEAF_BYTES = 65_535
export const NO_CERTIFICATE = new Uint8Array(32)

const LATEST_MS = 253_402_300_800_000
const TYPES = new Set(Object.values(EventType))
const NONE = 2n ** 64n - 1n

/** Eight bytes as an index, null where none is meant; beyond 2^53 - 1, where no log of ours is, a BigInt. */
export const readIndex = (raw) => {
  const index = readUnsigned(raw)
  return index === NONE ? null : index
}

/** Parse a header strictly: {type, status, sequencedAtMs, subject, prev, version, statementLength, certificateDigest, statementDigest}. */
export function parseHeader(raw) {
  if (raw.length !== HEADER_BYTES) refuse(`leaf header of ${raw.length} bytes; expected ${HEADER_BYTES}`)
  const view = new DataView(raw.buffer, raw.byteOffset)
  if (encodeHex(raw.subarray(0, 4)) !== "485a4c31" || raw[6] || raw[7]) {
    refuse("leaf header does not begin with HZL1 and zero reserved bytes")
  }
  const sequencedAtMs = readTime(raw)
  if (sequencedAtMs >= LATEST_MS) refuse("leaf header has a time after the year 9999")
  if (!TYPES.has(raw[4])) refuse(`leaf header has the unknown event type ${raw[4]}`)
  return Object.freeze({
    type: raw[4],
    status: raw[5],
    sequencedAtMs,
    subject: raw.slice(16, 48),
    prev: readIndex(raw.subarray(48, 56)),
    version: view.getUint32(56),
    statementLength: view.getUint32(60),
    certificateDigest: raw.slice(64, 96),
    statementDigest: raw.slice(96, 128),
  })
}

/** `sequencedAtMs` of a leaf, or of a header, that a parser here has found good. */
export const readTime = (raw) => readUnsigned(raw.subarray(8, 16))

/** Parse a leaf, {header, statementRaw}, and compare its statement with the header's length and digest. */
export function parseLeaf(raw) {
  const header = parseHeader(raw.subarray(0, HEADER_BYTES))
  const statementRaw = raw.slice(HEADER_BYTES)
  if (statementRaw.length !== header.statementLength) refuse("leaf is longer or shorter than its header says")
  if (!equalBytes(sha256(statementRaw), header.statementDigest)) refuse("leaf header names the digest of another statement")
  return Object.freeze({ header, statementRaw })
}
