// Which witnesses count, and how many of them make a checkpoint a witnessed one: ledger/core/quorum.py.
import { encodeHex } from "./encoding.js"
import { InputError, refuse } from "./errors.js"
import { parseWitness } from "./cosignature.js"
import { parseBlsWitness } from "./bls_witness.js"

const MAX_WITNESSES = 32

/** The witnesses that count (`witnesses` by lines, `bls` by certificates, in the order of the bitmap), and how many must have signed. */
class WitnessQuorum {
  constructor(witnesses, threshold, bls = []) {
    const names = [...new Set([...witnesses, ...bls].map((one) => one.name))]
    if (!names.length || names.length > MAX_WITNESSES) refuse(`1 to ${MAX_WITNESSES} witnesses, not ${names.length}`, "keys")
    requireDifferent(witnesses, "keys")
    requireDifferent(bls, "bls")
    if (!(names.length < 2 * threshold && threshold <= names.length)) {
      refuse(`more than half of the ${names.length} witnesses, at most all`, "quorum")
    }
    Object.freeze(Object.assign(this, { witnesses, threshold, bls, names }))
  }

  /** Refuse a log that witnesses itself. */
  requireOtherKey(logKey) {
    if (this.witnesses.some((one) => one.key === logKey)) refuse("the log's own key is no witness", "keys")
  }
}

/** Parse the member of a policy. */
export function parseQuorum(reader) {
  const keys = reader.texts("keys", { maxBytes: 400, most: MAX_WITNESSES })
  const bls = reader.optTexts("bls", { maxBytes: 700, least: 1, most: MAX_WITNESSES }) ?? []
  const threshold = reader.integer("quorum", 1, MAX_WITNESSES)
  reader.finish()
  const about = (compute, field) => {
    try { return compute() } catch (error) {
      return error instanceof InputError ? reader.refuse(field ?? error.field ?? "keys", error.reason) : (() => { throw error })()
    }
  }
  const certifying = bls.map((vkey, place) => about(() => parseBlsWitness(vkey), `bls[${place}]`))
  return about(() => new WitnessQuorum(keys.map(parseWitness), threshold, certifying))
}

/** What counts, newest first: one a witness of the quorum, none later than `latest`. */
export function listSigned(signed, quorum, latest) {
  const members = new Set([...quorum.witnesses, ...quorum.bls].map((one) => one.id))
  const newest = new Map()
  for (const item of signed) {
    const { name, id } = item.witness, known = newest.get(name)
    if (members.has(id) && item.cosignedAt <= latest && (!known || item.cosignedAt > known.cosignedAt)) newest.set(name, item)
  }
  return [...newest.values()].sort((one, other) => other.cosignedAt - one.cosignedAt)
}

/** For when a quorum vouches: its threshold-th newest time; null where there is no quorum. */
export const findQuorumTime = (signed, quorum) => signed[quorum.threshold - 1]?.cosignedAt ?? null

function requireDifferent(witnesses, field) {
  const nameKey = ({ key }) => key.multikey ?? encodeHex(key)
  for (const [what, values] of [["name", witnesses.map((one) => one.name)], ["key", witnesses.map(nameKey)]]) {
    if (new Set(values).size !== witnesses.length) refuse(`two witnesses have one ${what}`, field)
  }
}
