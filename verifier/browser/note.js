// Signed notes (C2SP signed-note): text, a blank line, and one signature line per key: ledger/core/note.py.
import { concatBytes, decodeUtf8, encodeHex, encodeUtf8, equalBytes, parseBase64, parseHex } from "./encoding.js"
import { BrokenSignatureError, PolicyMismatchError, refuse } from "./errors.js"
import { sha256 } from "./sha256.js"
import { Algorithm, publicKey, verifySignature } from "./signature.js"
import { WHITE_SPACE, countBytes } from "./text.js"

export const MAX_NOTE_BYTES = 1_000_000
export const MAX_SIGNATURES = 100
export const ED25519_TYPE = 1
export const NOTE_KEY_ID_SIZE = 4

const LINE_START = "— "
const KEY_NAME = new RegExp(`^[^${WHITE_SPACE}+\\x00-\\x1f\\p{Cs}]+$`, "u")

/** A known Ed25519 key under its name. */
export class NoteVerifier {
  constructor(name, key) {
    checkKeyName(name)
    if (key.algorithm !== Algorithm.ED25519) refuse("notes are signed with Ed25519 keys only")
    Object.freeze(Object.assign(this, { name, key, keyId: computeNoteKeyId(name, ED25519_TYPE, key.raw) }))
  }
}

/** Refuse a name that cannot stand in a signature line. */
export function checkKeyName(name) {
  if (!KEY_NAME.test(name)) refuse("a key name is not empty and has no spaces, control characters or '+'")
}

/** The first 4 bytes of SHA-256(name || 0x0A || signature type || key). */
export const computeNoteKeyId = (name, signatureType, keyBytes) =>
  sha256(encodeUtf8(name), Uint8Array.of(10, signatureType), keyBytes).slice(0, NOTE_KEY_ID_SIZE)

/** Whether a line is by this name and key id. */
export const isLineOf = (line, { name, keyId }) => line.name === name && equalBytes(line.keyId, keyId)

/** Name, key id in hex and bytes in base64 of `<name>+<key id>+<base64>`; what is missing is empty. */
export function splitVkey(vkey) {
  const [name] = vkey.split("+", 1), rest = vkey.slice(name.length + 1), [keyId] = rest.split("+", 1)
  return [name, keyId, rest.slice(keyId.length + 1)]
}

/** Refuse a vkey whose key id is not that of its name and key. */
export function requireKeyId(text, keyId) {
  if (!equalBytes(parseHex(text, { size: NOTE_KEY_ID_SIZE }), keyId)) {
    refuse(`the key id ${encodeHex(keyId)} belongs to this name and key`)
  }
}

/** Name and Ed25519 key of a vkey of this signature type. */
export function readVkey(vkey, signatureType) {
  const [name, keyId, encoded] = splitVkey(vkey)
  const raw = parseBase64(encoded, { size: 33 })
  if (raw[0] !== signatureType) refuse(`a key of signature type ${raw[0]}, expected one of type ${signatureType}`)
  checkKeyName(name)
  const key = publicKey(Algorithm.ED25519, raw.slice(1))
  requireKeyId(keyId, computeNoteKeyId(name, signatureType, key.raw))
  return [name, key]
}

/** The key that a vkey text stands for. */
export const parseVkey = (vkey) => new NoteVerifier(...readVkey(vkey, ED25519_TYPE))

/** Take a note, text or UTF-8, apart without verifying it: {text, signatures: [{name, keyId, signature}]}. */
export function parseNote(note) {
  const content = decode(note)
  if (/[\0-\t\v-\x1f]/.test(content)) refuse("a note has no control characters other than newline")
  const end = content.lastIndexOf("\n\n")
  if (end < 0 || !content.endsWith("\n")) refuse("a note has a text, a blank line and signature lines, each ended by a newline")
  const lines = content.slice(end + 2, -1).split("\n")
  if (lines.length > MAX_SIGNATURES) refuse(`a note has at most ${MAX_SIGNATURES} signature lines`)
  return Object.freeze({ text: content.slice(0, end + 1), signatures: lines.map(parseLine) })
}

function decode(note) {
  const isText = typeof note === "string"
  if ((isText ? countBytes(note) : note.length) > MAX_NOTE_BYTES) refuse(`a note has at most ${MAX_NOTE_BYTES} bytes`)
  if (!isText) return decodeUtf8(note, "a note is valid UTF-8")
  return /\p{Cs}/u.test(note) ? refuse("a note is valid UTF-8") : note
}

/** Take one signature line apart, without its newline. */
export function parseLine(line) {
  const at = line.indexOf(" ", LINE_START.length)
  if (!line.startsWith(LINE_START) || at < 0) refuse("a signature line is an em dash, a key name and base64, one space between")
  const name = line.slice(LINE_START.length, at)
  checkKeyName(name)
  const raw = parseBase64(line.slice(at + 1))
  if (raw.length <= NOTE_KEY_ID_SIZE) refuse("a signature line holds a key id of 4 bytes and a signature")
  return Object.freeze({ name, keyId: raw.slice(0, NOTE_KEY_ID_SIZE), signature: raw.slice(NOTE_KEY_ID_SIZE) })
}

/** Check a note against known keys; lines of other keys are ignored: {text, verifiers}. */
export async function openNote(note, verifiers) {
  const known = new Map()
  for (const verifier of verifiers) {
    const id = verifier.name + encodeHex(verifier.keyId)
    if ((known.get(id)?.key ?? verifier.key) !== verifier.key) {
      throw new PolicyMismatchError(`two known keys share the name ${verifier.name} and a key id`)
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
