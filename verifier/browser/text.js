// Which characters a text may hold: ledger/core/text.py.
import { encodeUtf8 } from "./encoding.js"

const FORBIDDEN = /[\0-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/u
/** White space, as the content of a regular expression's class. */
export const WHITE_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
const OUTER = new RegExp(`^[${WHITE_SPACE}]|[${WHITE_SPACE}]$`)

/** Whether a text holds a control, direction or surrogate character, or breaks its line. */
export const hasForbiddenCharacter = (text) => FORBIDDEN.test(text)

/** Whether a text begins or ends with white space. */
export const hasOuterSpace = (text) => OUTER.test(text)

/** Whether a text has neither of these faults. */
export const isPlain = (text) => !hasForbiddenCharacter(text) && !hasOuterSpace(text)

/** Bytes of UTF-8 that a text takes. */
export const countBytes = (text) => encodeUtf8(text).length
