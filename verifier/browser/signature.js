// Public keys and the one place where signatures are checked: ledger/core/signature.py. A key is the same object
// wherever it is named, so that `===` compares keys. Checks use WebCrypto, or @noble/curves where it cannot.
import { bigFromBytes, bytesFromBig, concatBytes, encodeBase58, encodeHex, parseBase58 } from "./encoding.js"
import { BrokenSignatureError, UnavailableError, refuse } from "./errors.js"
import { sha256 } from "./sha256.js"

export const SIGNATURE_SIZE = 64
export const Algorithm = Object.freeze({ ED25519: -8, P256: -7 })

const { ED25519, P256 } = Algorithm
const PREFIXES = new Map([[ED25519, Uint8Array.of(0xed, 1)], [P256, Uint8Array.of(0x80, 0x24)]])
const KEYS = new Map()

/** One admitted public key; use `publicKey` to get it. */
class PublicKey {
  constructor(algorithm, raw, multikeyBytes) {
    this.algorithm = algorithm
    this.raw = raw
    this.multikeyBytes = multikeyBytes
    this.multikey = "z" + encodeBase58(multikeyBytes)
    this.keyId = sha256(multikeyBytes).slice(0, 8)
    this.didKey = "did:key:" + this.multikey
    this.verificationMethod = `${this.didKey}#${this.multikey}`
    Object.freeze(this)
  }
}

/** The key of these bytes, if the admission rule lets it in. */
export function publicKey(algorithm, raw) {
  const size = algorithm === ED25519 ? 32 : 33
  if (raw.length !== size) refuse("a public key of another size")
  const multikeyBytes = concatBytes(PREFIXES.get(algorithm), raw)
  const name = encodeHex(multikeyBytes)
  if (!KEYS.has(name)) {
    if (algorithm === ED25519) admitEd25519(raw)
    else expandP256(raw)
    KEYS.set(name, new PublicKey(algorithm, raw.slice(), multikeyBytes))
  }
  return KEYS.get(name)
}

/** The key that a multikey text `z…` stands for. */
export function parseMultikey(text) {
  if (text[0] !== "z") refuse("not a multikey z…")
  return parseMultikeyBytes(parseBase58(text.slice(1), { maxBytes: 64 }))
}

/** The key behind a 2-byte multicodec prefix and the key's own bytes. */
function parseMultikeyBytes(raw) {
  for (const [algorithm, prefix] of PREFIXES) {
    if (raw[0] === prefix[0] && raw[1] === prefix[1]) return publicKey(algorithm, raw.slice(2))
  }
  return refuse("a key that is neither Ed25519 nor P-256")
}

/** The key that `did:key:z…#z…` names. */
export function parseVerificationMethod(text) {
  const [identifier] = text.split("#", 1)
  const fragment = text.slice(identifier.length + 1)
  if (identifier !== "did:key:" + fragment) refuse("not a verification method did:key:z…#z…")
  return parseMultikey(fragment)
}

// --- admission: what BigInts say about points ---------------------------------------------------------------

const Q = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

function power(base, exponent, modulus) {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus
    if (bit === "1") result = (result * base) % modulus
  }
  return result
}

const D = (Q - 121665n) * power(121666n, Q - 2n, Q) % Q
const Y8 = 0x5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
/** The y of the eight points of small order. */
const SMALL = [0n, 1n, Q - 1n, Y8, Q - Y8]
const I = power(2n, (Q - 1n) / 4n, Q)

/** The affine x of an encoded point of edwards25519, null if it is none; y must be below 2^255 - 19. */
function expandEd25519(raw) {
  const whole = bigFromBytes(raw.slice().reverse()), sign = whole >> 255n, y = whole & (2n ** 255n - 1n)
  if (y >= Q) return null
  const yy = (y * y) % Q, u = yy - 1n, v = (D * yy + 1n) % Q
  let x = ((u * v ** 3n) % Q) * power((u * v ** 7n) % Q, (Q - 5n) / 8n, Q) % Q
  const square = (v * x * x) % Q
  if ((square + u) % Q === 0n) x = (x * I) % Q
  else if ((square - u) % Q !== 0n) return null
  x = ((x % Q) + Q) % Q
  return x === 0n && sign ? null : [(x & 1n) === sign ? x : Q - x, y]
}

/** Twice a point in extended coordinates (X, Y, Z, T), dbl-2008-hwcd with a = -1. */
function double([x, y, z]) {
  const a = (x * x) % Q, b = (y * y) % Q, e = (x + y) ** 2n - a - b, g = b - a, f = g - 2n * z * z, h = -a - b
  return product(e % Q, f % Q, g, h)
}

/** The sum of two points, add-2008-hwcd with a = -1: complete on this curve. */
function addPoints([x, y, z, t], [x2, y2, z2, t2]) {
  const a = x * x2, b = y * y2, c = ((t * D) % Q) * t2, d = z * z2
  return product(((x + y) * (x2 + y2) - a - b) % Q, (d - c) % Q, (d + c) % Q, (b + a) % Q)
}

const product = (e, f, g, h) => [(e * f) % Q, (g * h) % Q, (f * g) % Q, (e * h) % Q]

/** Whether `factor` times a point of affine coordinates is the neutral element. */
function vanishes([x, y], factor) {
  const point = [x, y, 1n, (x * y) % Q]
  let sum = [0n, 1n, 1n, 0n]
  for (const bit of factor.toString(2)) {
    sum = double(sum)
    if (bit === "1") sum = addPoints(sum, point)
  }
  return sum[0] % Q === 0n && (sum[1] - sum[2]) % Q === 0n
}

/** Refuse what is not the canonical encoding of a point of prime order. */
function admitEd25519(raw) {
  const point = expandEd25519(raw)
  if (!point || point[1] === 1n || !vanishes(point, L)) refuse("not a canonical Ed25519 key of prime order")
}

/** The uncompressed form, 65 bytes, of a compressed point of P-256 (SEC 1 §2.3.4). */
function expandP256(raw) {
  const x = bigFromBytes(raw.subarray(1)), square = (x ** 3n - 3n * x + B) % P
  let y = power(square, (P + 1n) / 4n, P)
  if ((raw[0] !== 2 && raw[0] !== 3) || x >= P || (y * y - square) % P !== 0n) {
    refuse("not a compressed point of the curve P-256")
  }
  if (Number(y & 1n) !== (raw[0] & 1)) y = P - y
  return concatBytes(Uint8Array.of(4), raw.subarray(1), bytesFromBig(y, 32))
}

// --- checking ------------------------------------------------------------------------------------------------

const CURVES = { [ED25519]: ["ed25519", { name: "Ed25519" }], [P256]: ["nist", { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }] }
const TRIED = new Map()
const MODULES = new Map()

/** Where modules of @noble/curves come from, by name, and whether WebCrypto may be used; tests and pages set it. */
export const curves = {
  load: (name) => import(new URL(`../vendor/noble/${name}.js`, import.meta.url)),
  subtle: globalThis.crypto?.subtle ?? null,
}

/** A module of @noble/curves, `ed25519`, `nist` or `bls12-381`, loaded when it is first needed. */
export async function loadCurve(name) {
  const { load } = curves
  if (MODULES.get(name)?.load !== load) MODULES.set(name, { load, module: load(name) })
  try {
    return await MODULES.get(name).module
  } catch (error) {
    MODULES.delete(name)
    throw new UnavailableError(`this device cannot compute with ${name}: ${error.message}`)
  }
}

/** The key in WebCrypto's form, null where WebCrypto does not know the curve. */
function importKey(key) {
  const { subtle } = curves
  if (TRIED.get(key)?.subtle !== subtle) {
    const raw = key.algorithm === ED25519 ? key.raw : expandP256(key.raw)
    const imported = subtle ? subtle.importKey("raw", raw, CURVES[key.algorithm][1], false, ["verify"]).catch(() => null) : null
    TRIED.set(key, { subtle, imported })
  }
  return TRIED.get(key).imported
}

/** Whether the signature verifies; an UnavailableError if this device has no way to tell. */
async function isSigned(key, signature, message) {
  const [name, algorithm] = CURVES[key.algorithm]
  const imported = await importKey(key)
  if (imported) return curves.subtle.verify(algorithm, imported, signature, message)
  const { ed25519, p256 } = await loadCurve(name)
  if (key.algorithm === P256) return p256.verify(signature, message, key.raw, { lowS: true, prehash: true })
  const point = expandEd25519(signature.subarray(0, 32)) // noble multiplies by the cofactor: R of mixed order passes there
  return point !== null && vanishes(point, L) && ed25519.verify(signature, message, key.raw, { zip215: false })
}

/** Whether r and s are in range, and R is canonical and not of small order: where implementations disagree. */
function isUsual(key, signature) {
  const parts = [signature.slice(0, 32), signature.slice(32)]
  if (key.algorithm === ED25519) parts.forEach((part) => part.reverse())
  const [r, s] = parts.map(bigFromBytes)
  if (key.algorithm === P256) return r > 0n && r < N && s > 0n && s <= N / 2n
  const y = r & (2n ** 255n - 1n)
  return s < L && y < Q && !SMALL.includes(y)
}

/** Check one signature of 64 bytes. */
export async function verifySignature(key, signature, message) {
  if (signature.length !== SIGNATURE_SIZE || !isUsual(key, signature) || !(await isSigned(key, signature, message))) {
    throw new BrokenSignatureError(`the signature does not verify with the key ${encodeHex(key.keyId)}`)
  }
}
