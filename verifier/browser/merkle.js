// Merkle tree of the log, verifying only (RFC 9162 §2.1): ledger/core/merkle.py. Indices and sizes are Numbers, or BigInts
// beyond 2^53 - 1.
import { encodeHex, equalBytes } from "./encoding.js"
import { InclusionProofError } from "./errors.js"
import { sha256 } from "./sha256.js"

export const HASH_SIZE = 32
export const MAX_TREE_SIZE = 2n ** 63n - 1n
export const EMPTY_ROOT = sha256(new Uint8Array())

/** SHA-256(0x00 || leaf); the leaf may come in parts. */
export const hashLeaf = (...leaf) => sha256(Uint8Array.of(0), ...leaf)

/** SHA-256(0x01 || left || right). */
const hashNode = (left, right) => sha256(Uint8Array.of(1), left, right)

const bits = (value) => (value ? value.toString(2).length : 0)
const ones = (value) => value.toString(2).split("1").length - 1

const no = (message) => { throw new InclusionProofError(message) }
const checkHashes = (hashes) => hashes.some((hash) => hash.length !== HASH_SIZE) && no("a proof has hashes of 32 bytes")

function requireRoot(implied, expected) {
  if (!equalBytes(implied, expected)) no(`the proof leads to root ${encodeHex(implied)}, not to ${encodeHex(expected)}`)
}

/** The root hash that this proof implies (RFC 9162 §2.1.3.2). */
function computeRootFromInclusion(leafHash, leafIndex, treeSize, proof) {
  const index = BigInt(leafIndex), size = BigInt(treeSize)
  if (!(0n <= index && index < size && size <= MAX_TREE_SIZE)) no(`no leaf ${leafIndex} of ${treeSize}`)
  const inner = bits(index ^ (size - 1n))
  if (proof.length !== inner + ones(index >> BigInt(inner))) no("the proof has another number of hashes")
  checkHashes([leafHash, ...proof])
  return proof.reduce((node, sibling, height) => {
    const isRight = height >= inner || (index >> BigInt(height)) & 1n
    return isRight ? hashNode(sibling, node) : hashNode(node, sibling)
  }, leafHash)
}

/** Check that the leaf is at that index of the tree with that size and root. */
export function verifyInclusion(leafHash, leafIndex, treeSize, proof, rootHash) {
  requireRoot(computeRootFromInclusion(leafHash, leafIndex, treeSize, proof), rootHash)
}

/** The root hash that a batched proof implies; `leafHashes` is a Map of hashes by index. */
function computeRootFromMultiProof(leafHashes, treeSize, proof) {
  const size = BigInt(treeSize)
  const leaves = [...leafHashes].map(([index, hash]) => [BigInt(index), hash]).sort(([a], [b]) => (a < b ? -1 : 1))
  if (!leaves.length || leaves[0][0] < 0n || leaves.at(-1)[0] >= size || size > MAX_TREE_SIZE) no(`no such leaves of ${treeSize}`)
  checkHashes([...leafHashes.values(), ...proof])
  let at = 0
  /** The root over [begin, end): of the leaves known there, and of the proof where none is. */
  const climb = (known, begin, end) => {
    if (!known.length) return proof[at++] ?? no("the proof has too few hashes")
    if (end - begin === 1n) return known[0][1]
    const middle = begin + (1n << BigInt(bits(end - begin - 1n) - 1))
    const cut = known.filter(([index]) => index < middle).length
    const left = climb(known.slice(0, cut), begin, middle)
    return hashNode(left, climb(known.slice(cut), middle, end))
  }
  const root = climb(leaves, 0n, size)
  return at === proof.length ? root : no("the proof has too many hashes")
}

/** Check that all these leaves are in the tree with that size and root. */
export function verifyMultiProof(leafHashes, treeSize, proof, rootHash) {
  requireRoot(computeRootFromMultiProof(leafHashes, treeSize, proof), rootHash)
}
