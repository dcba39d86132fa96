// Cosignatures: witnesses' timestamped signatures over a checkpoint (C2SP tlog-cosignature): ledger/core/cosignature.py.
import { encodeUtf8, readUnsigned } from "./encoding.js"
import { BrokenSignatureError, refuse } from "./errors.js"
import { checkKeyName, computeNoteKeyId, isLineOf, parseNote, readVkey } from "./note.js"
import { Algorithm, verifySignature } from "./signature.js"

export const COSIGNATURE_TYPE = 4
export const MAX_COSIGNED_SECONDS = 253_402_300_799

/** A witness's Ed25519 key under its name; `id` is the same for equal witnesses. */
export class Witness {
  constructor(name, key) {
    checkKeyName(name)
    if (key.algorithm !== Algorithm.ED25519) refuse("witnesses sign with Ed25519 keys only")
    const keyId = computeNoteKeyId(name, COSIGNATURE_TYPE, key.raw)
    Object.freeze(Object.assign(this, { name, key, keyId, id: `${name}+${key.multikey}` }))
  }
}

/** One verified line of a known witness; `cosignedAt` by the witness's clock. */
export class Cosignature {
  constructor(witness, cosignedAt, line) { Object.freeze(Object.assign(this, { witness, cosignedAt, line })) }
}

/** The witness that a vkey stands for. */
export const parseWitness = (vkey) => new Witness(...readVkey(vkey, COSIGNATURE_TYPE))

/** Check one line of this witness. */
export async function verifyCosignature(line, body, witness) {
  const seconds = readUnsigned(line.signature.subarray(0, 8))
  if (line.signature.length !== 72 || seconds > MAX_COSIGNED_SECONDS) {
    throw new BrokenSignatureError(`the cosignature of ${witness.name} is no time and signature`)
  }
  try {
    await verifySignature(witness.key, line.signature.slice(8), encodeUtf8(`cosignature/v1\ntime ${seconds}\n${body}`))
  } catch (error) {
    throw error instanceof BrokenSignatureError ? new BrokenSignatureError(`the cosignature of ${witness.name} does not hold`) : error
  }
  return new Cosignature(witness, seconds * 1000, line)
}

/** What known witnesses have signed of a note: of each the newest, in their order; others' lines are ignored. */
export async function openCosignatures(note, witnesses) {
  const { text, signatures } = parseNote(note)
  const found = []
  for (const witness of witnesses) {
    let newest = null
    for (const line of signatures.filter((each) => isLineOf(each, witness))) {
      const cosignature = await verifyCosignature(line, text, witness)
      if (newest === null || cosignature.cosignedAt > newest.cosignedAt) newest = cosignature
    }
    if (newest !== null) found.push(newest)
  }
  return found
}
