// Quorum certificates, one BLS signature of many witnesses over a checkpoint: ledger/core/quorum_certificate.py and bls.py.
// Pairings are those of @noble/curves, loaded when a certificate is there; without them an UnavailableError is raised.
import { QUORUM_DOMAIN } from "./constants.js"
import { bytesFromBig, bigFromBytes, concatBytes, encodeHex, encodeUtf8, equalBytes, parseBase64, readUnsigned } from "./encoding.js"
import { BrokenSignatureError, InputError, PolicyMismatchError, VerificationError, refuse } from "./errors.js"
import { checkKeyName, computeNoteKeyId, isLineOf, parseNote, requireKeyId, splitVkey } from "./note.js"
import { loadCurve } from "./signature.js"

export const CERTIFICATE_TYPE = 0xff
export const MAX_MINUTES = Math.floor(253_402_300_799 / 60)

const KEY_BYTES = 48, SIGNATURE_BYTES = 96, TIME_BYTES = 8
const FIELD = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn
const SUITE = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
const POSSESSION_SUITE = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"

/** A witness's BLS key under its name, with the proof that somebody holds its secret; `id` is the same for equal ones. */
export class BlsWitness {
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

/** The name in the lines of a log's certificates. */
export const computeCertificateName = (origin) => `${origin}/quorum`

/** The 4 bytes that, with the name, say under which ordered list of witnesses a line was made. */
export const computeListId = (name, witnesses) =>
  computeNoteKeyId(name, CERTIFICATE_TYPE, concatBytes(QUORUM_DOMAIN, ...witnesses.map((one) => one.key)))

/** Take a certificate of this list apart: {minutes, signers, signature}. */
export function parseCertificate(raw, witnesses) {
  const size = TIME_BYTES + Math.ceil(witnesses.length / 8) + SIGNATURE_BYTES
  if (raw.length !== size) refuse(`a certificate of ${witnesses.length} witnesses has ${size} bytes, not ${raw.length}`)
  const minutes = readUnsigned(raw.subarray(0, TIME_BYTES))
  const bitmap = bigFromBytes(raw.slice(TIME_BYTES, -SIGNATURE_BYTES).reverse())
  if (minutes > MAX_MINUTES) refuse("the time of a certificate is at most the end of the year 9999")
  if (!bitmap) refuse("nobody has signed this certificate")
  if (bitmap >> BigInt(witnesses.length)) refuse("a certificate has a signer who is not in the list")
  const signers = witnesses.filter((_, place) => (bitmap >> BigInt(place)) & 1n)
  return Object.freeze({ minutes, signers, signature: raw.slice(-SIGNATURE_BYTES) })
}

/** Who has signed a note by certificates under this list: of each the newest time, in their order. */
export async function openCertificates(note, witnesses) {
  if (!witnesses.length) return []
  const { text, signatures } = parseNote(note)
  const name = computeCertificateName(text.slice(0, text.indexOf("\n")))
  const list = { name, keyId: computeListId(name, witnesses) }
  const newest = new Map()
  for (const line of signatures.filter((each) => isLineOf(each, list))) {
    const { minutes, signers } = await open(line, text, witnesses)
    for (const one of signers) newest.set(one, Math.max(minutes, newest.get(one) ?? 0))
  }
  return witnesses.filter((one) => newest.has(one)).map((one) => new Certified(one, newest.get(one) * 60_000))
}

/** What `compute` gives; input or evidence that it refuses becomes an error of this kind. */
async function recast(compute, Kind, say) {
  try {
    return await compute()
  } catch (error) {
    throw error instanceof InputError || error instanceof VerificationError ? new Kind(say(error)) : error
  }
}

async function open(line, body, witnesses) {
  const found = await recast(() => parseCertificate(line.signature, witnesses), BrokenSignatureError,
    (error) => `the quorum certificate does not hold: ${error.reason}`)
  for (const signer of found.signers) await requirePossession(signer)
  const message = concatBytes(QUORUM_DOMAIN, bytesFromBig(BigInt(found.minutes), TIME_BYTES), encodeUtf8(body))
  await recast(() => verifyBls(found.signers.map((one) => one.key), message, found.signature, SUITE), BrokenSignatureError,
    () => "the quorum certificate does not hold")
  return found
}

const PROVED = new Set()

/** Refuse a key whose secret nobody has shown to hold; each is verified once. */
export async function requirePossession(witness) {
  if (PROVED.has(witness.id)) return
  await recast(() => verifyBls([witness.key], witness.key, witness.possession, POSSESSION_SUITE), PolicyMismatchError,
    (error) => `the BLS key of ${witness.name} is not proved: ${error.message}`)
  PROVED.add(witness.id)
}

/** Check one signature of some keys over one message (FastAggregateVerify, draft-irtf-cfrg-bls-signature-05 §3.3.4). */
export async function verifyBls(keys, message, signature, suite) {
  if (!keys.length) refuse("a signature of nobody is none")
  const { bls12_381: { G1, G2, longSignatures } } = await loadCurve("bls12-381")
  const points = keys.map((raw) => decode(G1.Point, raw, KEY_BYTES, "BLS key"))
  const sum = points.reduce((total, point) => total.add(point))
  const broken = (text) => { throw new BrokenSignatureError(text) }
  let point
  try { point = decode(G2.Point, signature, SIGNATURE_BYTES, "BLS signature") } catch (error) { broken(error.reason) }
  const hashed = longSignatures.hash(message, suite)
  if (sum.is0() || !longSignatures.verify(point, hashed, sum)) broken("the BLS signature does not hold")
}

/** A point of the subgroup of prime order other than the identity, from its one spelling, the compressed one. */
function decode(Point, raw, size, what) {
  if (raw.length !== size) refuse(`a ${what} has ${size} bytes, not ${raw.length}`)
  if (!(raw[0] & 0x80)) refuse(`a ${what} is compressed`)
  if (raw[0] & 0x40) refuse(`a ${what} is not the identity`)
  const first = concatBytes(Uint8Array.of(raw[0] & 0x1f), raw.subarray(1, 48))
  if ([first, raw.subarray(48)].some((part) => bigFromBytes(part) >= FIELD)) refuse(`a ${what} has coordinates below the field's modulus`)
  try {
    const point = Point.fromBytes(raw)
    point.assertValidity()
    return point
  } catch {
    return refuse(`a ${what} is a point of the subgroup of prime order`)
  }
}
