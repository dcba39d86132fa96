// The errors of verification, as in ledger/core/errors.py. In all these modules a keyword argument of Python is
// a member of the last argument here: `parse_hex(text, size=32)` is `parseHex(text, {size: 32})`.

/** Root of everything raised on purpose; `name` is the class's. */
export class LedgerError extends Error {
  get name() { return this.constructor.name }
}

/** The given bytes are wrong and will never be accepted; `field` names the member to blame, or is null. */
export class InputError extends LedgerError {
  constructor(message, { field = null } = {}) {
    super(field === null ? message : `${field}: ${message}`)
    this.field = field
    this.reason = message
  }
}
export class MalformedDocumentError extends InputError {}
export class NonCanonicalEncodingError extends InputError {}
export class UnitError extends InputError {}
export class PolicyMismatchError extends InputError {}

/** The evidence does not hold. */
export class VerificationError extends LedgerError {}
export class BrokenSignatureError extends VerificationError {}
export class InclusionProofError extends VerificationError {}
export class MapProofError extends VerificationError {}
export class ConsistencyProofError extends VerificationError {}
export class AnchorMismatchError extends VerificationError {}

/** A published log contradicts itself; `leafIndex` names the leaf, or is null. */
export class ContradictionError extends VerificationError {
  constructor(message, { file = "", leafIndex = null } = {}) {
    const place = leafIndex === null ? file : `${file}, leaf ${leafIndex}`
    super(place ? `${place}: ${message}` : message)
    Object.assign(this, { file, leafIndex, reason: message })
  }
}

/** This device cannot look (no curve at hand): neither true nor false; a step is NOT_CHECKED. */
export class UnavailableError extends LedgerError {}

/** Raise for bytes of another shape than expected; `field` names the member to blame. */
export const refuse = (message, field = null) => { throw new MalformedDocumentError(message, { field }) }

/** Raise for another spelling than the one that is allowed. */
export const refuseSpelling = (message, field = null) => { throw new NonCanonicalEncodingError(message, { field }) }
