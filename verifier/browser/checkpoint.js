// Checkpoint: the log's signed statement of its size and root (C2SP tlog-checkpoint): ledger/core/checkpoint.py.
import { equalBytes, narrow, parseBase64 } from "./encoding.js"
import { PolicyMismatchError, refuse } from "./errors.js"
import { EMPTY_ROOT, HASH_SIZE, MAX_TREE_SIZE } from "./merkle.js"
import { checkKeyName, openNote, parseNote } from "./note.js"

/** The checkpoint that a note's text states: {origin, treeSize, rootHash}. */
export function parseCheckpointBody(body) {
  const lines = body.split("\n")
  if (lines.length !== 4 || lines[3]) refuse("a checkpoint is the three lines origin, size and root, and no others")
  const [origin, size, root] = lines
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(size)) refuse("is a decimal number without leading zeros, below 2^63", "tree_size")
  const rootHash = parseBase64(root, { size: HASH_SIZE })
  checkKeyName(origin)
  if (BigInt(size) > MAX_TREE_SIZE) refuse(`${size} is outside 0 to 2^63 - 1`, "tree_size")
  if (size === "0" && !equalBytes(rootHash, EMPTY_ROOT)) refuse("is not the root of the empty tree", "root_hash")
  return Object.freeze({ origin, treeSize: narrow(BigInt(size)), rootHash })
}

/** The checkpoint that this log, a `NoteVerifier`, signed; lines of witnesses are not looked at. */
export async function verifyCheckpoint(note, log) {
  const checkpoint = parseCheckpointBody(parseNote(note).text)
  requireLog(checkpoint.origin, log)
  await openNote(note, [log])
  return checkpoint
}

/** Refuse what is of, or about, another log. */
export function requireLog(origin, log) {
  if (origin !== log.name) throw new PolicyMismatchError(`this is of the log ${origin.slice(0, 80)}, expected ${log.name}`)
}
