// Proof of what the status map says of some subjects: ledger/core/map_proof.py (with `parse_state` and the hashes of
// status_map.py).
import { encodeHex, equalBytes, readUnsigned } from "./encoding.js"
import { readIndex } from "./entry.js"
import { MapProofError, refuse } from "./errors.js"
import { sha256 } from "./sha256.js"

const MAX_PROOF_BYTES = 1 << 25
const EMPTY_MAP_ROOT = sha256(Uint8Array.of(4))

const STATE_BYTES = 21
const STATUSES = new Set([1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 255])
const refuseProof = () => refuse("not a map proof")

const bitOf = (subject, bit) => (subject[bit >> 3] >> (7 - (bit & 7))) & 1

/** Parse a subject's 21 bytes of state: {status, version, lastEvent, currentCertificate}. */
function parseState(raw) {
  if (!STATUSES.has(raw[0])) refuseProof()
  return Object.freeze({
    status: raw[0],
    version: readUnsigned(raw.subarray(1, 5)),
    lastEvent: readUnsigned(raw.subarray(5, 13)),
    currentCertificate: readIndex(raw.subarray(13)),
  })
}

/** The part of a map that a proof shows; `root` null: the map is empty. */
class ProvenStates {
  constructor(root) { this.root = root }

  /** The state of a subject; null if the map does not have it. */
  find(subject) {
    let part = this.root
    if (part === null) return null
    while (part.left) part = bitOf(subject, part.bit) ? part.right : part.left
    if (!part.subject) throw new MapProofError(`the proof does not show subject ${encodeHex(subject).slice(0, 16)}`)
    return equalBytes(part.subject, subject) ? part.state : null
  }
}

/** Check a proof against the map's root and return what it shows. */
export function openMapProof(raw, rootHash) {
  if (raw.length > MAX_PROOF_BYTES) refuseProof()
  const root = raw.length === 1 && raw[0] === 4 ? null : readAll(raw)
  if (!equalBytes(root === null ? EMPTY_MAP_ROOT : root.hash, rootHash)) {
    throw new MapProofError("the proof leads to another root of the status map")
  }
  return new ProvenStates(root)
}

function readAll(raw) {
  let at = 0
  const take = (size) => {
    if (at + size > raw.length) refuseProof()
    return raw.slice(at, (at += size))
  }
  /** Read a node; `path` holds [bit, side] of every inner node above it. */
  const read = (path) => {
    const [kind] = take(1)
    if (kind === 0) return { hash: take(32) }
    if (kind === 3) {
      const [bit] = take(1)
      if (path.length && bit <= path.at(-1)[0]) refuseProof()
      const [left, right] = [0, 1].map((side) => read([...path, [bit, side]]))
      return { hash: sha256(Uint8Array.of(3, bit), left.hash, right.hash), bit, left, right }
    }
    if (kind !== 2) refuseProof()
    const subject = take(32), value = take(STATE_BYTES)
    if (path.some(([bit, side]) => bitOf(subject, bit) !== side)) refuseProof()
    return { hash: sha256(Uint8Array.of(2), subject, value), subject, state: parseState(value) }
  }
  const root = read([])
  return at === raw.length ? root : refuseProof()
}
