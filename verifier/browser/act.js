// What documents and blocks share with acts: reasons and decisions of ledger/core/act.py. Acts are not judged here.
import { Plain } from "./register_fields.js";

const CODES =
  "TYPO WRONG_INSTRUMENT WRONG_RESULT STANDARD_INVALID OUT_OF_SCOPE PERSON_UNQUALIFIED FAILED_SPOT_CHECK SEAL_BROKEN " +
  "REPAIRED INSTRUMENT_SCRAPPED RELOCATED FORGED KEY_COMPROMISED COURT_OR_AUTHORITY_ORDER CRM_RECALLED REG_MISAPPLIED";
export const ReasonCode = Object.freeze(Object.fromEntries(CODES.split(" ").map((code) => [code, code])));

/** The administrative decision behind an authority's act. */
export const parseDecision = (reader) => {
  const decision = new Plain({
    number: reader.text("number", { maxBytes: 120 }),
    ground: reader.text("ground", { maxBytes: 400 }),
    dated: reader.date("dated"),
    until: reader.optDate("until"),
    remedy: reader.text("remedy", { maxBytes: 400 }),
  });
  if (decision.until !== null && decision.until < decision.dated) reader.refuse("until", "ends before it begins");
  reader.finish();
  return decision;
};
