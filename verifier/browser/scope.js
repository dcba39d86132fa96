/** scope.py: one line of an authorisation (计量授权): what, how, where and when an institution may verify. */
import { refuse } from "./errors.js";
import { compare } from "./exact.js";
import { VerificationKind } from "./record.js";
import {
  checkPeriod, openContent, parseCategories, parseDivision, parseInstitutionId, parseSet, parseTexts, Plain,
  RegisterState,
} from "./register_fields.js";
import { parseUnit } from "./unit.js";

export const Basis = Object.freeze({ EXAMINED: "examined", PLEDGED: "pledged" });

export class ScopeContent extends Plain {}

/** Parse the content of a SCOPE. */
export const parseScopeContent = (raw) => {
  const reader = openContent(raw);
  const [basis, followUp] = parseBasis(reader);
  const content = new ScopeContent({
    institution: parseInstitutionId(reader),
    id: parseInstitutionId(reader, "id"),
    authorisationNo: reader.text("authorisation_no", { maxBytes: 120 }),
    categories: parseCategories(reader),
    kinds: parseSet(reader, "kinds", VerificationKind),
    division: parseDivision(reader),
    validFrom: reader.date("from"),
    validUntil: reader.date("until"),
    state: reader.enum("state", RegisterState),
    classes: parseTexts(reader, "classes"),
    regulations: parseTexts(reader, "regulations"),
    range: parseRange(reader.optObject("range")),
    basis,
    followUp,
  });
  reader.finish();
  checkPeriod(content.validFrom, content.validUntil);
  return content;
};

/** Return what a line rests on; an examination has one spelling only: no member. */
const parseBasis = (reader) => {
  const [followUp, basis] = [reader.optDate("follow_up"), reader.optEnum("basis", Basis)];
  if (basis === Basis.EXAMINED) reader.refuse("basis", "an examination goes without saying");
  if ((basis === null) !== (followUp === null))
    reader.refuse("follow_up", "a pledge, and nothing else, is followed up by a day");
  return [basis ?? Basis.EXAMINED, followUp];
};

const parseRange = (reader) => {
  if (reader === null) return null;
  const unit = parseUnit(reader.text("unit", { maxBytes: 16 }), { field: reader.pathOf("unit") });
  const range = new Plain({ lower: reader.decimal("lower"), upper: reader.decimal("upper"), unit });
  reader.finish();
  if (compare(range.upper, range.lower) < 0)
    refuse("ends below where it begins", "content.range.upper");
  return range;
};
