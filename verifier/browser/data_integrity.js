// W3C Data Integrity proofs, suites `eddsa-jcs-2022` and `ecdsa-jcs-2019`, as a proof set: ledger/core/data_integrity.py.
import { encodeCanonicalJson, isObject } from "./canonical.js"
import { concatBytes, encodeHex, equalBytes, parseBase58, parseInstant } from "./encoding.js"
import { BrokenSignatureError, InputError, refuse } from "./errors.js"
import { sha256 } from "./sha256.js"
import { Algorithm, SIGNATURE_SIZE, parseVerificationMethod, verifySignature } from "./signature.js"

const MEMBERS = "@context,created,cryptosuite,proofPurpose,proofValue,type,verificationMethod"
const CRYPTOSUITES = new Map([["eddsa-jcs-2022", Algorithm.ED25519], ["ecdsa-jcs-2019", Algorithm.P256]])
const MAX_PROOFS = 16

/** The members of an object but one, and that one (undefined if absent). */
function without(value, name) {
  const rest = Object.assign(Object.create(null), value)
  delete rest[name]
  return [rest, value[name]]
}

/** SHA-256 of the canonical document without its proofs. */
export const hashDocument = (document) => sha256(encodeCanonicalJson(document))

/** Read one proof of the profile: {key, created, context, configDigest, signature}. */
export function parseProof(value) {
  if (!isObject(value) || Object.keys(value).sort().join() !== MEMBERS) refuse(`a proof has the members ${MEMBERS}`, "proof")
  const [config, proofValue] = without(value, "proofValue")
  const text = (name) => (typeof config[name] === "string" ? config[name] : refuse("text is expected here", `proof.${name}`))
  const signature = parseProofValue(proofValue)
  const algorithm = CRYPTOSUITES.get(text("cryptosuite"))
  const key = parseVerificationMethod(text("verificationMethod"))
  if (config.type !== "DataIntegrityProof" || config.proofPurpose !== "assertionMethod" || algorithm !== key.algorithm) {
    refuse("not a proof of a known kind, or not for this key", "proof")
  }
  const created = text("created")
  parseInstant(created)
  return Object.freeze({ key, created, context: config["@context"], configDigest: hashDocument(config), signature })
}

/** Check that the holder of `key` signed exactly this document; `digest` is its hash, if the caller has it. */
export async function verifyProof(document, proof, key, { digest = null } = {}) {
  if ("proof" in document || !("@context" in document)) refuse("a signed document has an @context and no proof")
  const parsed = proof.configDigest instanceof Uint8Array ? proof : parseProof(proof)
  if (parsed.key !== key) {
    throw new BrokenSignatureError(`the proof names the key ${encodeHex(parsed.key.keyId)}, not ${encodeHex(key.keyId)}`)
  }
  if (!equalBytes(encodeCanonicalJson(parsed.context), encodeCanonicalJson(document["@context"]))) {
    throw new BrokenSignatureError("the proof was made for another @context")
  }
  await verifySignature(key, parsed.signature, concatBytes(parsed.configDigest, digest ?? hashDocument(document)))
}

/** The document without its proofs, and the proofs in their order. */
export function splitProofs(credential) {
  const [document, proofs] = without(credential, "proof")
  if (!Array.isArray(proofs) || !proofs.length || proofs.length > MAX_PROOFS) {
    refuse(`1 to ${MAX_PROOFS} proofs are expected here`, "proof")
  }
  proofs.forEach((proof, at) => isObject(proof) || refuse("an object is expected here", `proof[${at}]`))
  return [document, proofs]
}

/** When each key says that it signed, as a Map by multikey; nothing is verified, a wrong proof is left out. */
export function readSigningTimes(proofs) {
  const times = new Map()
  for (const { verificationMethod: method, created } of proofs) {
    if (typeof method !== "string" || typeof created !== "string") continue
    const multikey = method.includes("#") ? method.slice(method.indexOf("#") + 1) : ""
    try {
      const instant = parseInstant(created)
      if (!times.has(multikey)) times.set(multikey, instant)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
  }
  return times
}

function parseProofValue(value) {
  const isText = typeof value === "string" && value[0] === "z"
  const signature = isText ? parseBase58(value.slice(1), { maxBytes: SIGNATURE_SIZE }) : []
  return signature.length === SIGNATURE_SIZE ? signature : refuse("a signature in base58 is expected here", "proof.proofValue")
}
