// Merkle tree of the log, verifying only (RFC 9162 §2.1): ledger/core/merkle.py. Indices and sizes are Numbers, or BigInts
// beyond 2^53 - 1.
import { encodeHex, equalBytes } from "./encoding.js"
import { ConsistencyProofError, InclusionProofError } from "./errors.js"
import { sha256 } from "./sha256.js"

export const HASH_SIZE = 32
export const MAX_TREE_SIZE = 2n ** 63n - 1n
export const EMPTY_ROOT = sha256(new Uint8Array())

/** SHA-256(0x00 || leaf); the leaf may come in parts. */
export const hashLeaf = (...leaf) => sha256(Uint8Array.of(0), ...leaf)

/** SHA-256(0x01 || left || right). */
export const hashNode = (left, right) => sha256(Uint8Array.of(1), left, right)

const bits = (value) => (value ? value.toString(2).length : 0)
const ones = (value) => value.toString(2).split("1").length - 1

function checkHashes(hashes, Kind) {
  if (hashes.some((hash) => hash.length !== HASH_SIZE)) throw new Kind(`every hash has ${HASH_SIZE} bytes`)
}

function checkProof(proof, length, Kind) {
  if (proof.length !== length) throw new Kind(`the proof has ${proof.length} hashes instead of ${length}`)
  checkHashes(proof, Kind)
}

function checkRoot(implied, expected, tree, Kind) {
  if (!equalBytes(implied, expected)) throw new Kind(`the proof leads to root ${encodeHex(implied)}, but ${tree} has root ${encodeHex(expected)}`)
}

/** The root hash that this proof implies (RFC 9162 §2.1.3.2). */
export function computeRootFromInclusion(leafHash, leafIndex, treeSize, proof) {
  const index = BigInt(leafIndex), size = BigInt(treeSize)
  if (!(0n <= index && index < size && size <= MAX_TREE_SIZE)) {
    throw new InclusionProofError(`no leaf ${leafIndex} exists in a tree of ${treeSize} leaves`)
  }
  const inner = bits(index ^ (size - 1n))
  checkProof(proof, inner + ones(index >> BigInt(inner)), InclusionProofError)
  checkHashes([leafHash], InclusionProofError)
  return proof.reduce((node, sibling, height) => {
    const isRight = height >= inner || (index >> BigInt(height)) & 1n
    return isRight ? hashNode(sibling, node) : hashNode(node, sibling)
  }, leafHash)
}

/** Check that the leaf is at that index of the tree with that size and root. */
export function verifyInclusion(leafHash, leafIndex, treeSize, proof, rootHash) {
  checkRoot(computeRootFromInclusion(leafHash, leafIndex, treeSize, proof), rootHash, "the tree", InclusionProofError)
}

/** Check that the old tree is a prefix of the new one (RFC 9162 §2.1.4.2). */
export function verifyConsistency(oldSize, newSize, oldRoot, newRoot, proof) {
  const from = BigInt(oldSize), to = BigInt(newSize), Kind = ConsistencyProofError
  if (!(0n < from && from <= to && to <= MAX_TREE_SIZE)) throw new Kind(`a log of ${oldSize} leaves cannot have grown to ${newSize}`)
  checkHashes([oldRoot, newRoot], Kind)
  if (from === to) {
    checkProof(proof, 0, Kind)
    return checkRoot(oldRoot, newRoot, "the same size", Kind)
  }
  const last = from - 1n, level = bits(from & -from) - 1
  const inner = bits(last ^ (to - 1n)), seed = from === 1n << BigInt(level) ? 0 : 1
  checkProof(proof, inner - level + ones(last >> BigInt(inner)) + seed, Kind)
  let oldNode = seed ? proof[0] : oldRoot, newNode = oldNode
  proof.slice(seed).forEach((sibling, at) => {
    const height = level + at
    if (height >= inner || (last >> BigInt(height)) & 1n) {
      oldNode = hashNode(sibling, oldNode)
      newNode = hashNode(sibling, newNode)
    } else newNode = hashNode(newNode, sibling)
  })
  checkRoot(oldNode, oldRoot, "the old tree", Kind)
  checkRoot(newNode, newRoot, "the new tree", Kind)
}

/** The root hash that a batched proof implies; `leafHashes` is a Map of hashes by index. */
export function computeRootFromMultiProof(leafHashes, treeSize, proof) {
  const size = BigInt(treeSize)
  const leaves = [...leafHashes].map(([index, hash]) => [BigInt(index), hash]).sort(([a], [b]) => (a < b ? -1 : 1))
  if (!leaves.length || leaves[0][0] < 0n || leaves.at(-1)[0] >= size || size > MAX_TREE_SIZE) {
    throw new InclusionProofError(`a proof needs leaves inside the tree of ${treeSize} leaves`)
  }
  checkHashes([...leafHashes.values(), ...proof], InclusionProofError)
  let at = 0
  /** The root over [begin, end): of the leaves known there, and of the proof where none is. */
  const climb = (known, begin, end) => {
    if (!known.length) return proof[at++] ?? fail("the proof has fewer hashes than its leaves need")
    if (end - begin === 1n) return known[0][1]
    const middle = begin + (1n << BigInt(bits(end - begin - 1n) - 1))
    const cut = known.filter(([index]) => index < middle).length
    const left = climb(known.slice(0, cut), begin, middle)
    return hashNode(left, climb(known.slice(cut), middle, end))
  }
  const fail = (message) => { throw new InclusionProofError(message) }
  const root = climb(leaves, 0n, size)
  return at === proof.length ? root : fail("the proof has more hashes than its leaves need")
}

/** Check that all these leaves are in the tree with that size and root. */
export function verifyMultiProof(leafHashes, treeSize, proof, rootHash) {
  checkRoot(computeRootFromMultiProof(leafHashes, treeSize, proof), rootHash, "the tree", InclusionProofError)
}
