// The signed statement: one COSE_Sign1 that is printed, logged and mapped: ledger/core/statement.py (with `StatementSerial`
// of instrument.py). Payload keys are the numbers beside their names in FIELDS.
import { Category } from "./category.js"
import { parseCbor } from "./cbor.js"
import { ENDORSEMENT_DOMAIN, STATEMENT_DOMAIN } from "./constants.js"
import { parseSign1, verifySign1 } from "./cose.js"
import { bytesFromBig, compareBytes, concatBytes, encodeUtf8, isDate } from "./encoding.js"
import { refuse, refuseSpelling } from "./errors.js"
import { CONTENT_TYPES, DEFINED_TYPES, EventType, ISSUE_TYPES } from "./event.js"
import { sha256 } from "./sha256.js"
import { countBytes, hasForbiddenCharacter, isPlain } from "./text.js"

export const MAX_STATEMENT_BYTES = 65_535 - 128
/** Ids of authorities, institutions and scope lines. */
export const ID_PATTERN = "[A-Z0-9][A-Z0-9-]{0,11}"
export const Conclusion = Object.freeze({ PASS: 1, FAIL: 2, CONDITIONAL: 3 })
export const DocumentKind = Object.freeze({ VERIFICATION: 0, CALIBRATION: 1, PAPER: 2 })

const FIELDS =
  "FORMAT TYPE EVENT_ID ISSUER NUMBER INSTRUMENT PART SERIAL CATEGORY CONCLUSION VERIFIED_ON VALID_UNTIL VALIDITY_KIND CERTIFICATE_DIGEST SEALS_DIGEST PREDECESSOR EFFECTIVE_AT REASON EXPECTED_VERSION LOT CONTENT ENDORSEMENTS DOCUMENT_KIND".split(" ")
const NO_VALIDITY = 3

/** What an issue says about one document. */
export class IssueClaims {
  constructor(members) { Object.freeze(Object.assign(this, members)) }

  /** Whether the document verifies its instrument; no other kind does. */
  get isVerification() { return this.kind === DocumentKind.VERIFICATION }
}

/** What the statement of an act, a lot, a link or a sticker says: {eventId, content}. */
export class ActClaims {
  constructor(eventId, content) { Object.freeze(Object.assign(this, { eventId, content })) }
}

/** What a register statement says; `endorsements` [{keyId, signature}] by rising key id. */
export class RegisterClaims {
  constructor(eventId, content, endorsements) { Object.freeze(Object.assign(this, { eventId, content, endorsements })) }
}

/** What binds a statement to one log (RFC 9052 §4.3). */
export const computeExternalAad = (origin) => concatBytes(STATEMENT_DOMAIN, sha256(encodeUtf8(origin)))

/** What root keys and newly registered keys sign beside the statement. */
export const computeEndorsedBytes = (eventType, origin, content, expectedVersion) =>
  concatBytes(ENDORSEMENT_DOMAIN, sha256(encodeUtf8(origin)), Uint8Array.of(eventType), bytesFromBig(BigInt(expectedVersion), 4), content)

/** Check the statement's signature. */
export const verifyStatement = (signed, key, origin) => verifySign1(signed.sign1, key, computeExternalAad(origin))

/** Parse a statement strictly: {raw, statement: {type, issuer, claims, expectedVersion}, sign1, keyId, digest}. */
export function parseSignedStatement(raw) {
  if (raw.length > MAX_STATEMENT_BYTES) refuse(`statement of ${raw.length} bytes; at most ${MAX_STATEMENT_BYTES}`)
  const sign1 = parseSign1(raw)
  const payload = parseCbor(sign1.payload)
  if (!(payload instanceof Map)) refuse("payload of the statement is not a map")
  return Object.freeze({ raw, statement: parsePayload(payload), sign1, keyId: sign1.keyId, digest: sha256(raw) })
}

const KINDS = {
  int: Number.isInteger,
  bytes: (value) => value instanceof Uint8Array,
  str: (value) => typeof value === "string",
  list: Array.isArray,
}

/** Typed, exhaustive access to the payload; `opt` before a call makes absent null. */
class Members {
  constructor(payload) { this.left = new Map(payload) }

  refuse(name, message) { return refuse(message, `statement.${name.toLowerCase()}`) }

  has(name) { return this.left.has(FIELDS.indexOf(name)) }

  take(name) {
    const key = FIELDS.indexOf(name), value = this.left.get(key)
    this.left.delete(key)
    return value
  }

  required(name, kind) {
    const value = this.take(name)
    return KINDS[kind](value) ? value : this.refuse(name, value === undefined ? "is missing" : `expected ${kind}`)
  }

  octets(name, size) {
    const value = this.required(name, "bytes")
    return value.length === size ? value : this.refuse(name, `expected ${size} bytes`)
  }

  text(name, maxBytes) {
    const value = this.required(name, "str")
    if (!isPlain(value)) this.refuse(name, "expected text without control characters and outer white space")
    return value && countBytes(value) <= maxBytes ? value : this.refuse(name, `expected 1 to ${maxBytes} bytes of text`)
  }

  code(name, kind) {
    const value = this.required(name, "int")
    return Object.values(kind).includes(value) ? value : this.refuse(name, "unknown code")
  }

  day(name) {
    const value = this.required(name, "int")
    return value >= 0 && isDate(value) ? value : this.refuse(name, "date is out of range")
  }

  opt(read, name, ...rest) { return this.has(name) ? this[read](name, ...rest) : null }
}

function parsePayload(payload) {
  const members = new Members(payload)
  if (members.required("FORMAT", "int") !== 1) members.refuse("FORMAT", "unknown format version")
  const type = members.code("TYPE", EventType)
  if (!DEFINED_TYPES.has(type)) members.refuse("TYPE", "has no effect defined yet")
  const issuer = members.text("ISSUER", 12)
  if (!new RegExp(`^${ID_PATTERN}$`).test(issuer)) members.refuse("ISSUER", "expected 1 to 12 of A-Z, 0-9 and '-'")
  const expectedVersion = members.opt("required", "EXPECTED_VERSION", "int")
  if (expectedVersion !== null && !(1 <= expectedVersion && expectedVersion < 2 ** 32)) members.refuse("EXPECTED_VERSION", "out of range")
  const claims = parseClaims(type, members)
  if (members.left.size) refuse(`statement has members its type does not have: ${[...members.left.keys()]}`)
  return Object.freeze({ type, issuer, claims, expectedVersion: expectedVersion ?? 0 })
}

function parseClaims(type, members) {
  if (ISSUE_TYPES.has(type)) return parseIssue(type, members)
  const eventId = members.octets("EVENT_ID", 8), content = members.required("CONTENT", "bytes")
  if (CONTENT_TYPES.has(type)) return new ActClaims(eventId, content)
  return new RegisterClaims(eventId, content, parseEndorsements(members.opt("required", "ENDORSEMENTS", "list")))
}

function parseIssue(type, members) {
  const validityKind = members.code("VALIDITY_KIND", { DATE: 1, SERVICE_LIFE: 2, NONE: NO_VALIDITY })
  const validUntil = members.opt("day", "VALID_UNTIL")
  if ((validUntil === null) !== (validityKind === NO_VALIDITY)) members.refuse("VALID_UNTIL", "date and kind of validity disagree")
  const predecessor = members.opt("text", "PREDECESSOR", 64)
  if ((predecessor !== null) !== (type === EventType.REPLACE)) {
    members.refuse("PREDECESSOR", "a replacement names what it replaces, and nothing else does")
  }
  const [kind, conclusion] = parseDocumentKind(members)
  return new IssueClaims({
    number: members.text("NUMBER", 64),
    instrumentId: members.octets("INSTRUMENT", 16),
    part: members.opt("text", "PART", 8),
    serial: parseSerial(members),
    category: members.code("CATEGORY", Category),
    conclusion,
    verifiedOn: members.day("VERIFIED_ON"),
    validUntil,
    validityKind,
    certificateDigest: members.octets("CERTIFICATE_DIGEST", 32),
    sealsDigest: members.opt("octets", "SEALS_DIGEST", 8),
    predecessor,
    lot: members.opt("text", "LOT", 64),
    kind,
  })
}

/** What the document is, and the conclusion that such a document can have. */
function parseDocumentKind(members) {
  const kind = members.opt("code", "DOCUMENT_KIND", DocumentKind)
  if (kind === DocumentKind.VERIFICATION) members.refuse("DOCUMENT_KIND", "a verification goes without saying")
  const conclusion = members.opt("code", "CONCLUSION", Conclusion)
  if (kind !== DocumentKind.CALIBRATION && conclusion !== Conclusion.PASS && conclusion !== Conclusion.FAIL) {
    members.refuse("CONCLUSION", "expected 1, pass, or 2, fail")
  }
  return [kind ?? DocumentKind.VERIFICATION, conclusion]
}

/** {text, tail}: the whole serial of at most 24 bytes, or its first 9 to 12 and 4 bytes of hash. */
function parseSerial(members) {
  const value = members.take("SERIAL")
  const [text, tail] = Array.isArray(value) ? value : [value, null]
  const size = typeof text === "string" ? countBytes(text) : 0
  const fits = Array.isArray(value)
    ? value.length === 2 && tail instanceof Uint8Array && tail.length === 4 && size >= 9 && size <= 12
    : size >= 1 && size <= 24
  if (!fits || hasForbiddenCharacter(text)) members.refuse("SERIAL", "expected text, or text and 4 bytes")
  return Object.freeze({ text, tail })
}

function parseEndorsements(items) {
  if (items === null) return []
  const no = (message) => refuse(message, "statement.endorsements")
  const found = items.map((item) => {
    if (!Array.isArray(item) || item.length !== 2 || !item.every(KINDS.bytes)) no("expected pairs of key id and signature")
    const [keyId, signature] = item
    return keyId.length === 8 && signature.length === 64 ? Object.freeze({ keyId, signature }) : no("expected 8 and 64 bytes")
  })
  if (!found.length || found.some(({ keyId }, at) => at && compareBytes(found[at - 1].keyId, keyId) >= 0)) {
    refuseSpelling("expected each key once, in order", "statement.endorsements")
  }
  return Object.freeze(found)
}
