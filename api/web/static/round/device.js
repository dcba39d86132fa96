// The device's own key: P-256, made here, never to be read out; and what it signs.
import { encode, toBase64, toHex } from "./canonical.js";

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const FINDING = "hengzheng/round-finding/v1\0";
const DEVICE = "hengzheng/round-device/v1\0";
const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Make a key; its private half cannot be exported by anything. */
export const makeKey = async () => {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const compressed = new Uint8Array(33);
  compressed[0] = 2 + (point[64] & 1);
  compressed.set(point.subarray(1, 33), 1);
  return { privateKey: pair.privateKey, publicHex: toHex(compressed) };
};

const toNumber = (bytes) => BigInt(`0x${toHex(bytes)}`);
const toBytes = (number) =>
  Uint8Array.from(number.toString(16).padStart(64, "0").match(/../g), (pair) => parseInt(pair, 16));

/** Sign bytes below a domain; the half of s is the lower one, so that a signature has one form. */
const sign = async (privateKey, domain, bytes) => {
  const prefix = new TextEncoder().encode(domain);
  const message = new Uint8Array(prefix.length + bytes.length);
  message.set(prefix);
  message.set(bytes, prefix.length);
  const hash = { name: "ECDSA", hash: "SHA-256" };
  const signature = new Uint8Array(await crypto.subtle.sign(hash, privateKey, message));
  const s = toNumber(signature.subarray(32));
  if (s > ORDER / 2n) signature.set(toBytes(ORDER - s), 32);
  return toBase64(signature);
};

export const signFinding = (privateKey, bytes) => sign(privateKey, FINDING, bytes);

const spellMultikey = (publicHex) => {
  let number = BigInt(`0x8024${publicHex}`);
  let text = "";
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  return `z${text}`;
};

/** Return the signature by which a device shows that it holds its key, and for whom. */
export const signClaim = (privateKey, { label, publicHex, person, institution }) =>
  sign(privateKey, DEVICE, encode({ institution, key: spellMultikey(publicHex), label, person }));
