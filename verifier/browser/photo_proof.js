// Proof that an institution has registered a photograph: ledger/core/photo_proof.py, and verifier/photo_proof.py, whose
// docstring is the specification of `verifyPhoto`.
import { parseInclusion } from "./bundle.js"
import { parseCanonicalJson } from "./canonical.js"
import { encodeHex, equalBytes } from "./encoding.js"
import { parseLeaf } from "./entry.js"
import { UnavailableError, VerificationError } from "./errors.js"
import { EventType, registrationSubject } from "./event.js"
import { Reader } from "./fields.js"
import { hashLeaf, verifyInclusion } from "./merkle.js"
import { MAX_NOTE_BYTES } from "./note.js"
import { checkPhoto } from "./photo.js"
import { requireOrigin } from "./policy.js"
import { parseInstrumentContent } from "./registration.js"
import { parseSignedStatement, verifyStatement } from "./statement.js"
import { Status } from "./status.js"

const no = (message) => { throw new VerificationError(message) }

/** Parse such a file, strictly: {origin, checkpoint, leafIndex, leaf, inclusion}; nothing in it is verified yet. */
export function parsePhotoProof(raw) {
  const reader = new Reader(parseCanonicalJson(raw, { maxBytes: 2 * 1024 * 1024 }), "photo_proof")
  reader.text("type", { maxBytes: 40, pattern: "hengzheng/photo-proof/v1" })
  const proof = {
    origin: reader.text("origin", { maxBytes: 120 }),
    checkpoint: reader.lines("checkpoint", { maxBytes: MAX_NOTE_BYTES }),
    leafIndex: reader.integer("index", 0, Number.MAX_SAFE_INTEGER),
    leaf: reader.base64("leaf"),
    inclusion: parseInclusion(reader),
  }
  reader.finish()
  return Object.freeze(proof)
}

/** Return [signed statement, content] of the registration in a proof; its signature is not checked. */
function readRegistration({ leaf }) {
  const { header, statementRaw } = parseLeaf(leaf), signed = parseSignedStatement(statementRaw)
  if (signed.statement.type !== EventType.INSTRUMENT) no("the leaf registers no instrument")
  const content = parseInstrumentContent(signed.statement.claims.content)
  if (header.type !== EventType.INSTRUMENT || !equalBytes(header.subject, registrationSubject(content.id))) {
    no("the leaf's header is of something else")
  }
  if (header.status !== Status.ACTIVE) no("the registration has taken no effect")
  return [signed, content]
}

/** Check that a picture is registered for the instrument of a document, by its institution; return what is said. */
export async function verifyPhoto(raw, proof, bundle, session) {
  requireOrigin(session.policy, proof.origin)
  const [checkpoint, state] = [await session.openCheckpoint(proof.checkpoint), await session.openCheckpoint(bundle.checkpoint)]
  if (checkpoint.treeSize === state.treeSize && !equalBytes(checkpoint.rootHash, state.rootHash)) {
    no(`the log has signed two different states of ${state.treeSize} leaves`)
  }
  verifyInclusion(hashLeaf(proof.leaf), proof.leafIndex, checkpoint.treeSize, proof.inclusion, checkpoint.rootHash)
  if (proof.leafIndex >= state.treeSize) throw new UnavailableError("the registration is later than the bundle's evidence reaches")
  const [signed, content] = readRegistration(proof)
  const { record } = bundle.certificate
  if (!equalBytes(content.id, record.instrument.id)) no("the registration is of another instrument")
  if (signed.statement.issuer !== record.issuer.id) no("the registration is of another institution than the document")
  const [, { registers }] = await session.openEvidence(bundle, state)
  await verifyStatement(signed, findKey(signed, proof.leafIndex, registers, session), proof.origin)
  if (content.photo === null) no("the registration names no photograph")
  checkPhoto(raw, content.photo)
  return content.photo
}

function findKey(signed, index, registers, session) {
  const known = registers.keys.get(encodeHex(signed.keyId)), endedAt = session.findEndOfKey(signed.keyId)
  if (known?.owner !== signed.statement.issuer) no("the evidence does not register this key for the institution")
  if (!known.isActiveAt(index) || (endedAt !== null && index >= endedAt)) no(`the key is not active at leaf ${index}`)
  if (session.findCompromise(signed.keyId, registers) !== null) no("the key is compromised")
  return known.key
}
