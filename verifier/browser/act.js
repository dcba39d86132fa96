// What documents, blocks and stickers share with acts: reasons and decisions of ledger/core/act.py. Acts are not judged here.
import { Plain } from "./register_fields.js";

const CODES =
  "TYPO WRONG_INSTRUMENT WRONG_RESULT STANDARD_INVALID OUT_OF_SCOPE PERSON_UNQUALIFIED FAILED_SPOT_CHECK SEAL_BROKEN " +
  "REPAIRED INSTRUMENT_SCRAPPED RELOCATED FORGED KEY_COMPROMISED COURT_OR_AUTHORITY_ORDER CRM_RECALLED REG_MISAPPLIED";
export const ReasonCode = Object.freeze(Object.fromEntries(CODES.split(" ").map((code) => [code, code])));

/** The member `decision`, null where there is none. */
export const parseOptDecision = (reader) => {
  const inner = reader.optObject("decision");
  return inner === null ? null : parseDecision(inner);
};

/** Say what is wrong with a decision: it is missing, or is not its speaker's to take; null: nothing. */
export const findDecisionFault = (eventType, decision, { byAuthority, isAdverse }) => {
  if (byAuthority && isAdverse && decision === null) return "an authority's act names its decision";
  return !byAuthority && decision !== null ? "an institution's own act carries no decision" : null;
};

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
