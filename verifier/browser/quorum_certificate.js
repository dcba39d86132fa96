// Quorum certificates, one BLS signature of many witnesses over a checkpoint: ledger/core/quorum_certificate.py and bls.py.
// Loaded where a policy names such witnesses; pairings are those of @noble/curves, loaded when a certificate is there:
// without them an UnavailableError is raised.
import { CERTIFICATE_TYPE, Certified, KEY_BYTES, SIGNATURE_BYTES } from "./bls_witness.js"
import { QUORUM_DOMAIN } from "./constants.js"
import { bytesFromBig, bigFromBytes, concatBytes, encodeUtf8, readUnsigned } from "./encoding.js"
import { BrokenSignatureError, InputError, PolicyMismatchError, VerificationError, refuse } from "./errors.js"
import { computeNoteKeyId, isLineOf, parseNote } from "./note.js"
import { loadCurve } from "./signature.js"

const MAX_MINUTES = Math.floor(253_402_300_799 / 60)

const TIME_BYTES = 8
const FIELD = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn
const SUITE = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
const POSSESSION_SUITE = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"

/** The 4 bytes that, with the name, say under which ordered list of witnesses a line was made. */
const computeListId = (name, witnesses) =>
  computeNoteKeyId(name, CERTIFICATE_TYPE, concatBytes(QUORUM_DOMAIN, ...witnesses.map((one) => one.key)))

/** Take a certificate of this list apart: {minutes, signers, signature}. */
function parseCertificate(raw, witnesses) {
  if (raw.length !== TIME_BYTES + Math.ceil(witnesses.length / 8) + SIGNATURE_BYTES) refuse("another size")
  const minutes = readUnsigned(raw.subarray(0, TIME_BYTES))
  const bitmap = bigFromBytes(raw.slice(TIME_BYTES, -SIGNATURE_BYTES).reverse())
  if (minutes > MAX_MINUTES || !bitmap || bitmap >> BigInt(witnesses.length)) refuse("signed by nobody, or by a stranger")
  const signers = witnesses.filter((_, place) => (bitmap >> BigInt(place)) & 1n)
  return Object.freeze({ minutes, signers, signature: raw.slice(-SIGNATURE_BYTES) })
}

/** Who has signed a note by certificates under this list: of each the newest time, in their order. */
export async function openCertificates(note, witnesses) {
  if (!witnesses.length) return []
  const { text, signatures } = parseNote(note)
  const name = text.slice(0, text.indexOf("\n")) + "/quorum"
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
async function requirePossession(witness) {
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
  try {
    const first = concatBytes(Uint8Array.of(raw[0] & 0x1f), raw.subarray(1, 48))
    const isSpelled = raw.length === size && raw[0] >> 6 === 2 && [first, raw.subarray(48)].every((part) => bigFromBytes(part) < FIELD)
    const point = isSpelled && Point.fromBytes(raw)
    point.assertValidity()
    return point
  } catch {
    return refuse(`not a ${what}`)
  }
}
