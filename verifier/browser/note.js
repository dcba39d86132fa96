// Signed notes (C2SP signed-note): text, a blank line, and one signature line per key: ledger/core/note.py.
import { concatBytes, decodeUtf8, encodeHex, encodeUtf8, equalBytes, parseBase64, parseHex } from "./encoding.js"
import { BrokenSignatureError, PolicyMismatchError, refuse } from "./errors.js"
import { sha256 } from "./sha256.js"
import { Algorithm, publicKey, verifySignature } from "./signature.js"
import { WHITE_SPACE, countBytes } from "./text.js"

export const MAX_NOTE_BYTES = 1_000_000
const MAX_SIGNATURES = 100
const ED25519_TYPE = 1
const KEY_ID_SIZE = 4

const LINE_START = "— "
const NO_NOTE = "not a signed note"
const KEY_NAME = new RegExp(`^[^${WHITE_SPACE}+\\x00-\\x1f\\p{Cs}]+$`, "u")

export const ED25519_ONLY = "notes are signed with Ed25519 keys only"

/** A known Ed25519 key under its name. */
export class NoteVerifier {
  constructor(name, key) {
    checkKeyName(name)
    if (key.algorithm !== Algorithm.ED25519) refuse(ED25519_ONLY)
    Object.freeze(Object.assign(this, { name, key, keyId: computeNoteKeyId(name, ED25519_TYPE, key.raw) }))
  }
}

/** Refuse a name that cannot stand in a signature line. */
export function checkKeyName(name) {
  if (!KEY_NAME.test(name)) refuse("not the name of a key")
}

/** The first 4 bytes of SHA-256(name || 0x0A || signature type || key). */
export const computeNoteKeyId = (name, signatureType, keyBytes) =>
  sha256(encodeUtf8(name), Uint8Array.of(10, signatureType), keyBytes).slice(0, KEY_ID_SIZE)

/** Whether a line is by this name and key id. */
export const isLineOf = (line, { name, keyId }) => line.name === name && equalBytes(line.keyId, keyId)

/** Name, key id in hex and bytes in base64 of `<name>+<key id>+<base64>`; what is missing is empty. */
export function splitVkey(vkey) {
  const [name] = vkey.split("+", 1), rest = vkey.slice(name.length + 1), [keyId] = rest.split("+", 1)
  return [name, keyId, rest.slice(keyId.length + 1)]
}

/** Refuse a vkey whose key id is not that of its name and key. */
export function requireKeyId(text, keyId) {
  if (!equalBytes(parseHex(text, { size: KEY_ID_SIZE }), keyId)) refuse(`the key id is ${encodeHex(keyId)}`)
}

/** Name and Ed25519 key of a vkey of this signature type. */
export function readVkey(vkey, signatureType) {
  const [name, keyId, encoded] = splitVkey(vkey)
  const raw = parseBase64(encoded, { size: 33 })
  if (raw[0] !== signatureType) refuse("a key of another type")
  checkKeyName(name)
  const key = publicKey(Algorithm.ED25519, raw.slice(1))
  requireKeyId(keyId, computeNoteKeyId(name, signatureType, key.raw))
  return [name, key]
}

/** Take a note, text or UTF-8, apart without verifying it: {text, signatures: [{name, keyId, signature}]}. */
export function parseNote(note) {
  const content = decode(note)
  const end = content.lastIndexOf("\n\n")
  const lines = content.slice(end + 2, -1).split("\n")
  if (/[\0-\t\v-\x1f]/.test(content) || end < 0 || !content.endsWith("\n") || lines.length > MAX_SIGNATURES) refuse(NO_NOTE)
  return Object.freeze({ text: content.slice(0, end + 1), signatures: lines.map(parseLine) })
}

function decode(note) {
  const isText = typeof note === "string"
  if ((isText ? countBytes(note) : note.length) > MAX_NOTE_BYTES || (isText && /\p{Cs}/u.test(note))) refuse(NO_NOTE)
  return isText ? note : decodeUtf8(note)
}

/** Take one signature line apart, without its newline. */
function parseLine(line) {
  const at = line.indexOf(" ", LINE_START.length)
  if (!line.startsWith(LINE_START) || at < 0) refuse(NO_NOTE)
  const name = line.slice(LINE_START.length, at)
  checkKeyName(name)
  const raw = parseBase64(line.slice(at + 1))
  if (raw.length <= KEY_ID_SIZE) refuse(NO_NOTE)
  return Object.freeze({ name, keyId: raw.slice(0, KEY_ID_SIZE), signature: raw.slice(KEY_ID_SIZE) })
}

/** Check a note against known keys; lines of other keys are ignored: {text, verifiers}. */
export async function openNote(note, verifiers) {
  const known = new Map()
  for (const verifier of verifiers) {
    const id = verifier.name + encodeHex(verifier.keyId)
    if ((known.get(id)?.key ?? verifier.key) !== verifier.key) {
      throw new PolicyMismatchError(`two keys of ${verifier.name} share a key id`)
    }
    if (!known.has(id)) known.set(id, verifier)
  }
  const { text, signatures } = parseNote(note)
  const signed = new Set()
  for (const line of signatures) {
    const verifier = known.get(line.name + encodeHex(line.keyId))
    if (!verifier) continue
    await verifySignature(verifier.key, line.signature, encodeUtf8(text))
    signed.add(verifier)
  }
  if (!signed.size) throw new BrokenSignatureError("no known key signed this note")
  return Object.freeze({ text, verifiers: [...signed] })
}
