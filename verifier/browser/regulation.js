// Verification regulations (JJG) by version, the rule book: ledger/core/regulation.py.
import { computeLastValidDate, MAX_MONTHS, ValidityKind } from "./calendar_rules.js";
import { Category, parseCategory } from "./category.js";
import { RULE_BOOK_DOMAIN } from "./constants.js";
import { encodeUtf8 } from "./encoding.js";
import { refuse } from "./errors.js";
import { fraction } from "./exact.js";
import { parseLimits, parseTags } from "./limit.js";
import { sha256 } from "./sha256.js";
import { readTable } from "./table.js";
import { WHITE_SPACE } from "./text.js";
import { parseUnit } from "./unit.js";

export const RULE_COLUMNS = (
  "category_code name_zh name_en regulation effective_on superseded_on superseded_by control verification_mode " +
  "validity_months accuracy_or_mpe seal_points uncertainty_share restricted_units confidence note"
).split(" ");
export const Control = Object.freeze({ TYPE_APPROVAL_AND_VERIFICATION: "P+V", VERIFICATION: "V", STANDARD: "standard" });
const KIND_BY_MODE = {
  periodic: ValidityKind.DATE,
  first_only_limited_use: ValidityKind.SERVICE_LIFE,
  first_only_scrap: ValidityKind.NONE,
};
const MODES = Object.keys(KIND_BY_MODE);
const FIRST_DAY = -719_162; // 0001-01-01
const BLANKS = new RegExp(`[${WHITE_SPACE}]+`, "g");

/** All rules at one state of knowledge; `digest` names it in reports. */
export class RuleBook {
  constructor(rows, digest) {
    this.rows = rows;
    this.digest = digest;
  }

  /** The rule that a certificate cites, null if the book does not know it; no two rows of a category have one name. */
  ruleNamed(category, regulationId) {
    const cited = normaliseCitation(regulationId);
    const isNamed = ({ regulationId }) => regulationId === null || normaliseCitation(regulationId) === cited;
    return this.rows.find((row) => row.category === category && isNamed(row)) ?? null;
  }
}

/** Both tables, as CSV texts, read into a rule book. */
export const parseRuleBook = (rulesText, limitsText) => {
  const limits = parseLimits(limitsText);
  const rows = Array.from(readTable("rules", rulesText, RULE_COLUMNS), (row) => parseRule(row, limits));
  checkNames(rows, limits);
  return new RuleBook(rows, computeRuleBookDigest(rulesText, limitsText));
};

/** SHA-256(RULE_BOOK_DOMAIN || SHA-256(rules) || SHA-256(limits)), texts in UTF-8. */
export const computeRuleBookDigest = (...texts) => {
  if (texts.some((text) => /\p{Cs}/u.test(text))) refuse("a table holds text that is not Unicode");
  return sha256(RULE_BOOK_DOMAIN, ...texts.map((text) => sha256(encodeUtf8(text))));
};

/** A key that is equal for all usual ways to cite one version of a regulation. */
export const normaliseCitation = (regulationId) =>
  regulationId.normalize("NFKC").replace(/[‐‑‒–—―−]/g, "-").replace(BLANKS, "").toUpperCase().replace(/\(试行\)$/, "");

/** Whether a verification on this day may be made under this version. */
export const isInForce = ({ effectiveOn, supersededOn }, on) =>
  (effectiveOn === null || effectiveOn <= on) && (supersededOn === null || on < supersededOn);

/** Whether results of this category may be stated in this unit. */
export const isUnitAdmitted = (rule, unit) => !unit.isRestricted || rule.restrictedUnits.includes(unit);

/** Kind of date the rule asks for, and the last day allowed; null where it says nothing. */
export const latestAllowedValidUntil = ({ validityKind, validityMonths }, verifiedOn) => ({
  kind: validityKind,
  latest: validityMonths === null ? null : computeLastValidDate(verifiedOn, validityMonths),
});

const effectiveFrom = (rule) => rule.effectiveOn ?? FIRST_DAY;

/** One row of the table of rules, with those of the limits that are of its regulation. */
export const parseRule = (row, limits) => {
  const regulationId = row.optionalText("regulation");
  const rule = {
    category: parseCategory(row.text("category_code"), row.path("category_code")),
    nameZh: row.text("name_zh"),
    nameEn: row.text("name_en"),
    regulationId,
    effectiveOn: row.optionalDate("effective_on"),
    supersededOn: row.optionalDate("superseded_on"),
    supersededBy: row.optionalText("superseded_by"),
    control: row.optionalCode("control", Control),
    verificationMode: row.optionalCode("verification_mode", MODES),
    validityMonths: row.optionalCount("validity_months", MAX_MONTHS),
    accuracyProse: row.optionalText("accuracy_or_mpe") ?? "",
    sealPoints: row.optionalCount("seal_points", 99),
    uncertaintyShare: parseShare(row),
    restrictedUnits: parseRestrictedUnits(row),
    confidence: parseTags(row, "confidence"),
    note: row.optionalText("note") ?? "",
    limits: limits.filter((limit) => limit.regulationId === regulationId),
  };
  rule.validityKind = KIND_BY_MODE[rule.verificationMode] ?? null;
  checkRule(rule, row);
  return Object.freeze(rule);
};

const parseShare = (row) => {
  const text = row.optionalText("uncertainty_share");
  if (text === null) return null;
  const found = /^1\/([1-9][0-9]?)$/.exec(text) ?? refuse("expected 1/n", row.path("uncertainty_share"));
  return fraction(1, found[1]);
};

const parseRestrictedUnits = (row) => {
  const field = row.path("restricted_units");
  const codes = (row.optionalText("restricted_units") ?? "").split(BLANKS).filter((code) => code);
  const units = codes.map((code) => parseUnit(code, { field }));
  if (!units.every((unit) => unit.isRestricted)) refuse("a unit of general use needs no mention", field);
  return units;
};

const checkRule = (rule, row) => {
  if ([rule.regulationId, rule.control, rule.verificationMode].includes(null) && rule.category !== Category.OTHER) {
    refuse("regulation, control and mode are needed", row.label);
  }
  const hasPeriod = [ValidityKind.DATE, ValidityKind.SERVICE_LIFE].includes(rule.validityKind);
  if (hasPeriod !== (rule.validityMonths !== null)) refuse("mode and period disagree", row.path("validity_months"));
  if ((rule.supersededOn === null) !== (rule.supersededBy === null)) {
    refuse("a successor and its date go together", row.path("superseded_by"));
  }
  if (rule.supersededOn !== null && rule.supersededOn <= effectiveFrom(rule)) {
    refuse("superseded before it came into force", row.path("superseded_on"));
  }
};

const checkNames = (rows, limits) => {
  const nameOf = (row) => normaliseCitation(row.regulationId ?? "");
  for (const find of [nameOf, effectiveFrom]) {
    const keys = rows.map((row) => `${row.category} ${find(row)}`);
    if (new Set(keys).size !== keys.length) refuse("two rows of one category have the same name or first day", "rules");
  }
  const names = rows.map((row) => row.regulationId);
  if (!limits.every((limit) => names.includes(limit.regulationId))) refuse("limits of unknown regulations", "limits");
};
