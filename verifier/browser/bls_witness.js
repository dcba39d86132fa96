// Witnesses that sign by quorum certificates, as a policy names them: ledger/core/quorum_certificate.py.
import { QUORUM_DOMAIN } from "./constants.js"
import { concatBytes, encodeHex, equalBytes, parseBase64 } from "./encoding.js"
import { refuse } from "./errors.js"
import { checkKeyName, computeNoteKeyId, requireKeyId, splitVkey } from "./note.js"

export const CERTIFICATE_TYPE = 0xff
export const KEY_BYTES = 48
export const SIGNATURE_BYTES = 96

/** A witness's BLS key under its name, with the proof that somebody holds its secret; `id` is the same for equal ones. */
class BlsWitness {
  constructor(name, key, possession) {
    checkKeyName(name)
    const keyId = computeNoteKeyId(name, CERTIFICATE_TYPE, concatBytes(QUORUM_DOMAIN, key, possession))
    const id = `${name}+${encodeHex(key)}+${encodeHex(possession)}`
    Object.freeze(Object.assign(this, { name, key, possession, keyId, id }))
  }
}

/** One signer of a certificate that holds. */
export class Certified {
  constructor(witness, cosignedAt) { Object.freeze(Object.assign(this, { witness, cosignedAt })) }
}

/** The witness that a vkey stands for; its proof of possession is not verified yet. */
export function parseBlsWitness(vkey) {
  const [name, keyId, encoded] = splitVkey(vkey)
  const prefix = concatBytes(Uint8Array.of(CERTIFICATE_TYPE), QUORUM_DOMAIN), { length } = prefix
  const raw = parseBase64(encoded, { size: length + KEY_BYTES + SIGNATURE_BYTES })
  if (!equalBytes(raw.subarray(0, length), prefix)) refuse("not the BLS key of a witness")
  const witness = new BlsWitness(name, raw.slice(length, -SIGNATURE_BYTES), raw.slice(-SIGNATURE_BYTES))
  requireKeyId(keyId, witness.keyId)
  return witness
}
