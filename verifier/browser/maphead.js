// MAPHEAD: the last leaf under every checkpoint, which states the root of the status map: ledger/core/maphead.py.
import { equalBytes } from "./encoding.js"
import { parseLeaf } from "./entry.js"
import { VerificationError } from "./errors.js"
import { EventType, SubjectKind, computeSubject } from "./event.js"

const MAPHEAD_SUBJECT = computeSubject(SubjectKind.STATUS_MAP)
const ACTIVE = 16

/** The root of the status map that a MAPHEAD states, 32 bytes. */
export const getMapRoot = (header) => header.certificateDigest

/** The header of a leaf that must be a MAPHEAD. */
export function requireMaphead(leaf) {
  const { header } = parseLeaf(leaf)
  const isCounted = header.prev === null ? header.version === 1 : header.version >= 2
  const isMaphead = header.type === EventType.MAPHEAD && header.status === ACTIVE && header.statementLength === 0
  if (!isCounted || !isMaphead || !equalBytes(header.subject, MAPHEAD_SUBJECT)) {
    throw new VerificationError("the last leaf under this checkpoint does not state the status map")
  }
  return header
}
