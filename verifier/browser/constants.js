// The table of constants that every implementation shares: ledger/core/constants.py.
import { encodeUtf8 } from "./encoding.js"

const domain = (name) => encodeUtf8(`hengzheng/${name}/v1\0`)

export const STATEMENT_DOMAIN = domain("statement")
export const CODE_DOMAIN = domain("code")
export const SUBJECT_DOMAIN = domain("subject")
export const INSTRUMENT_DOMAIN = domain("instrument")
export const ENDORSEMENT_DOMAIN = domain("endorsement")
export const RECEIPT_DOMAIN = domain("receipt")
export const SEALS_DOMAIN = domain("seals")
export const SERIAL_DOMAIN = domain("serial")
export const REFUSAL_DOMAIN = domain("refusal")
export const RULE_BOOK_DOMAIN = domain("rule-book")
export const QUORUM_DOMAIN = domain("quorum")
export const STICKER_DOMAIN = domain("sticker")
