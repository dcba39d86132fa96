// COSE_Sign1 in the one shape that this ledger uses (RFC 9052 §4.2): ledger/core/cose.py.
import { encodeByteString } from "./cbor.js"
import { concatBytes, encodeHex, encodeUtf8, equalBytes } from "./encoding.js"
import { BrokenSignatureError, refuse, refuseSpelling } from "./errors.js"
import { Algorithm, SIGNATURE_SIZE, verifySignature } from "./signature.js"

export const MAX_BYTES = 0xffff

const CONTEXT = concatBytes(Uint8Array.of(0x84, 0x6a), encodeUtf8("Signature1"))
const ALGORITHMS = new Map([["844da201270448", Algorithm.ED25519], ["844da201260448", Algorithm.P256]])
const PAYLOAD_AT = 16

/** The bytes that are signed: ["Signature1", protected, external_aad, payload] (RFC 9052 §4.4). */
export const encodeSigStructure = (header, externalAad, payload) =>
  concatBytes(CONTEXT, ...[header, externalAad, payload].map(encodeByteString))

/** Read a message of the one shape: {algorithm, keyId, payload, signature, protected}; nothing is verified. */
export function parseSign1(raw) {
  if (raw.length > MAX_BYTES) refuse(`a signed message of ${raw.length} bytes, at most ${MAX_BYTES} are allowed`)
  const algorithm = ALGORITHMS.get(encodeHex(raw.subarray(0, 7)))
  if (algorithm === undefined || raw[PAYLOAD_AT - 1] !== 0xa0) {
    refuse("not an untagged COSE_Sign1 with the headers {1: -8 or -7, 4: 8 bytes} and {}")
  }
  const head = { 0x58: 2, 0x59: 3 }[raw[PAYLOAD_AT]] ?? 1
  const payload = raw.slice(PAYLOAD_AT + head, -2 - SIGNATURE_SIZE)
  const signature = raw.slice(-SIGNATURE_SIZE)
  const whole = concatBytes(raw.subarray(0, PAYLOAD_AT), encodeByteString(payload), Uint8Array.of(0x58, 0x40), signature)
  if (!equalBytes(whole, raw)) refuseSpelling("a COSE_Sign1 whose lengths are wrong or not in their shortest form")
  return Object.freeze({ algorithm, keyId: raw.slice(7, 15), payload, signature, protected: raw.slice(2, 15) })
}

/** Check the signature of a message; its own algorithm and key id must be this key's. */
export async function verifySign1(sign1, key, externalAad) {
  if (sign1.algorithm !== key.algorithm || !equalBytes(sign1.keyId, key.keyId)) {
    throw new BrokenSignatureError(`the message names the key ${encodeHex(sign1.keyId)}, not ${encodeHex(key.keyId)}`)
  }
  await verifySignature(key, sign1.signature, encodeSigStructure(sign1.protected, externalAad, sign1.payload))
}
