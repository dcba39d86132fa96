// Every kind of event, and of thing an event can be about: ledger/core/event.py.
import { SUBJECT_DOMAIN } from "./constants.js"
import { concatBytes, encodeUtf8 } from "./encoding.js"
import { sha256 } from "./sha256.js"

/** An enumeration of names in a row, from a number on. */
const range = (first, names) => Object.fromEntries(names.split(" ").map((name, at) => [name, first + at]))

export const EventType = Object.freeze({
  ...range(1, "ISSUE SUPPLEMENT REPLACE CANCEL WITHDRAW SUSPEND REINSTATE REVERIFY_NEEDED OPENED_FOR_REPAIR LOT INSTRUMENT STICKER_BOUND STICKER_UNBOUND PLEDGE REPORT_TAKEN SITE"),
  ...range(32, "ROOT DELEGATE POLICY INSTITUTION KEY KEY_COMPROMISED_FROM SCOPE PERSON STANDARD REFERENCE_MATERIAL REGULATION TYPE_APPROVAL"),
  INSTRUMENT_SAME_AS: 45, INSTRUMENT_SPLIT: 46, STICKER_ALLOTTED: 47, BLOCK: 50, MAPHEAD: 255,
})

export const SubjectKind = Object.freeze(range(0,
  "UNREADABLE ROOT AUTHORITY POLICY INSTITUTION KEY SCOPE PERSON STANDARD REFERENCE_MATERIAL REGULATION TYPE_APPROVAL INSTRUMENT " +
  "PART CERTIFICATE LOT STICKER STATUS_MAP BLOCK MAKER REGISTRATION ROLL PLACEMENT PLEDGE REPORT SITE"))

const T = EventType
/** What brings a document into the log. */
export const ISSUE_TYPES = new Set([T.ISSUE, T.REPLACE])
/** What may happen to a document or its instrument after the issue. */
const ACT_TYPES = new Set([T.SUPPLEMENT, T.CANCEL, T.WITHDRAW, T.SUSPEND, T.REINSTATE, T.REVERIFY_NEEDED, T.OPENED_FOR_REPAIR])
const LINK_TYPES = new Set([T.INSTRUMENT_SAME_AS, T.INSTRUMENT_SPLIT])
const STICKER_TYPES = new Set([T.STICKER_BOUND, T.STICKER_UNBOUND])
/** What carries a content, and no endorsements. */
export const CONTENT_TYPES = new Set([...ACT_TYPES, ...LINK_TYPES, ...STICKER_TYPES, T.LOT, T.INSTRUMENT, T.REPORT_TAKEN, T.SITE, T.PLEDGE])
/** The types whose content and effect this version defines: all but the log's own. */
export const DEFINED_TYPES = new Set(Object.values(T).filter((type) => type !== T.MAPHEAD))

/** The 32 bytes under which the ledger knows a thing of this kind; its identity is bytes and texts, one behind the other. */
export const computeSubject = (kind, ...identity) =>
  sha256(SUBJECT_DOMAIN, Uint8Array.of(kind), concatBytes(...identity.map((part) => (typeof part === "string" ? encodeUtf8(part) : part))))

const named = (kind) => (...names) => computeSubject(kind, names.join("\0"))
const Kind = SubjectKind

export const instrumentSubject = (instrumentId, part = null) =>
  part === null ? computeSubject(Kind.INSTRUMENT, instrumentId) : computeSubject(Kind.PART, instrumentId, part)

/** Whose states bear on an instrument beside its own: pairs of the part's id, null for the whole, and its subject. */
export const listRelatives = (instrumentId, part, parts) =>
  (part === null ? parts : [null]).map((each) => [each, instrumentSubject(instrumentId, each)])

export const registrationSubject = (instrumentId) => computeSubject(Kind.REGISTRATION, instrumentId)
export const placementSubject = (instrumentId, part = null) => computeSubject(Kind.PLACEMENT, instrumentId, part ?? "")
export const rollSubject = named(Kind.ROLL)
export const stickerSubject = named(Kind.STICKER)
export const certificateSubject = named(Kind.CERTIFICATE)
export const lotSubject = named(Kind.LOT)
export const scopeSubject = named(Kind.SCOPE)
export const personSubject = named(Kind.PERSON)
export const standardSubject = named(Kind.STANDARD)
export const materialSubject = named(Kind.REFERENCE_MATERIAL)
export const regulationSubject = named(Kind.REGULATION)
export const typeApprovalSubject = named(Kind.TYPE_APPROVAL)
export const makerSubject = named(Kind.MAKER)
