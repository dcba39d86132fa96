// One line of an authorisation (计量授权): ledger/core/scope.py.
import { refuse } from "./errors.js";
import { compare } from "./exact.js";
import { VerificationKind } from "./record.js";
import {
  categories, checkPeriod, codes, contentParser, division, id, optTexts, period, Plain, state, text,
} from "./register_fields.js";
import { parseUnit } from "./unit.js";

const EXAMINED = "examined";

export class ScopeContent extends Plain {}

/** Parse the content of a SCOPE; a pledge, and nothing else, has a day by which it is followed up. */
export const parseScopeContent = contentParser(
  ScopeContent,
  {
    followUp: (reader) => reader.optDate("follow_up"),
    basis: (reader) => {
      const said = reader.optEnum("basis", [EXAMINED, "pledged"]);
      return said === EXAMINED ? reader.refuse("basis", "an examination goes without saying") : (said ?? EXAMINED);
    },
    institution: id("institution"),
    id: id("id"),
    authorisationNo: text("authorisation_no", 120),
    categories,
    kinds: codes("kinds", VerificationKind),
    division,
    ...period,
    state,
    classes: optTexts("classes"),
    regulations: optTexts("regulations"),
    range: (reader) => parseRange(reader.optObject("range")),
  },
  (content) => {
    if ((content.basis === EXAMINED) !== (content.followUp === null)) {
      refuse("a pledge, and nothing else, is followed up by a day", "content.follow_up");
    }
    checkPeriod(content);
  },
);

const parseRange = (reader) => {
  if (reader === null) return null;
  const unit = parseUnit(text("unit", 16)(reader), { field: reader.pathOf("unit") });
  const range = new Plain({ lower: reader.decimal("lower"), upper: reader.decimal("upper"), unit });
  reader.finish();
  return compare(range.upper, range.lower) < 0 ? refuse("ends below where it begins", "content.range.upper") : range;
};
