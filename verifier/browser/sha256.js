// SHA-256 (FIPS 180-4), synchronous: hundreds of small hashes a bundle, for which WebCrypto's promises are too slow.
import { concatBytes } from "./encoding.js"

/** The first 32 bits of the fractions of these roots of the primes up to 311, exactly. */
const K = new Int32Array(64)
const START = new Int32Array(8)
{
  const root = (n, power) => {
    let low = 0n, high = 1n << 40n
    while (high - low > 1n) {
      const middle = (low + high) >> 1n
      if (middle ** power <= n) low = middle
      else high = middle
    }
    return Number(BigInt.asIntN(32, low))
  }
  for (let n = 2, at = 0; at < 64; n++) {
    let prime = true
    for (let d = 2; d * d <= n; d++) prime = prime && n % d !== 0
    if (!prime) continue
    if (at < 8) START[at] = root(BigInt(n) << 64n, 2n)
    K[at++] = root(BigInt(n) << 96n, 3n)
  }
}
const W = new Int32Array(64)

/** SHA-256 of the parts, one after the other: 32 bytes. */
export function sha256(...parts) {
  const message = parts.length === 1 ? parts[0] : concatBytes(...parts)
  const { length } = message
  const state = START.slice()
  const whole = length & ~63
  compress(state, new DataView(message.buffer, message.byteOffset, length), whole)
  const tail = new Uint8Array(length - whole < 56 ? 64 : 128)
  const view = new DataView(tail.buffer)
  tail.set(message.subarray(whole))
  tail[length - whole] = 128
  view.setUint32(tail.length - 8, Math.floor(length / 2 ** 29))
  view.setUint32(tail.length - 4, length << 3)
  compress(state, view, tail.length)
  const digest = new Uint8Array(32)
  const out = new DataView(digest.buffer)
  state.forEach((word, at) => out.setInt32(4 * at, word))
  return digest
}

/** Take `size` bytes, whole blocks of 64, into the state. */
function compress(state, view, size) {
  for (let block = 0; block < size; block += 64) {
    for (let t = 0; t < 16; t++) W[t] = view.getInt32(block + 4 * t)
    for (let t = 16; t < 64; t++) {
      const x = W[t - 15], y = W[t - 2]
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0
    }
    let [a, b, c, d, e, f, g, h] = state
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d
    state[4] += e; state[5] += f; state[6] += g; state[7] += h
  }
}
