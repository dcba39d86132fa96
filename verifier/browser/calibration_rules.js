// Rules that a calibration certificate must keep in the places of those of a verification: ledger/core/calibration_rules.py.
import { findWorst, isConsistent, judgeConformity } from "./decision.js";
import { encodeDate } from "./encoding.js";
import { isInForce } from "./regulation.js";
import { judgeFailed, judgePassed, reason } from "./rule_result.js";
import { computeIndicationError, countPoints, findCitedRule, findMisstatedError } from "./rules.js";
import { Conclusion } from "./statement.js";

const NAMES = new Map([
  [Conclusion.PASS, ["pass", "符合"]],
  [Conclusion.CONDITIONAL, ["conditional", "待定"]],
  [Conclusion.FAIL, ["fail", "不符合"]],
]);
const RULES = { simple_acceptance: "简单接受", guarded_acceptance: "带保护带的接受" };

/** Say by what was calibrated; a regulation that is cited too must have been in force if it is on record. */
export const checkMethod = (record, book) => {
  const { specification, regulation, verifiedOn } = record;
  const rule = findCitedRule(record, book);
  if (rule !== null && !isInForce(rule, verifiedOn)) {
    const [id, day] = [rule.regulationId, encodeDate(verifiedOn)];
    return judgeFailed(reason("regulation.id", `${id} is not in force on ${day}`, `${id}在${day}不是现行规程`));
  }
  const cited = [specification, regulation].filter((item) => item !== null).map(({ id }) => id);
  const en = `calibrated by ${cited.join(", ")}; a calibration verifies nothing by a regulation`;
  return judgePassed(en, `依据${cited.join("、")}校准；校准不是检定`);
};

/** Recompute every error, and the conclusion by the decision rule that the certificate states. */
export const checkConformity = (record) => {
  const reasons = [...findMisstated(record), ...findWrongConclusions(record)];
  if (reasons.length) return judgeFailed(...reasons);
  const apart = record.comparisons.filter(({ own, reference }) => !isConsistent(own, reference)).map(({ name }) => name);
  const warning = apart.length > 0;
  const [en, zh] = describe(record, countPoints(record));
  const [enApart, zhApart] = warning ? [`; En above 1: ${apart.join(", ")}`, `；En大于1：${apart.join("、")}`] : ["", ""];
  return judgePassed(en + enApart, zh + zhApart, { warning });
};

/** Say whether a date is stated; that the customer has agreed on it is a condition of reading the record. */
export const checkInterval = ({ validity }) => {
  if (validity.until === null) return judgePassed("no interval is recommended", "未给出复校时间间隔");
  const until = encodeDate(validity.until);
  return judgePassed(`${until} was agreed with the customer`, `${until}系与客户约定`);
};

/** Say that types are approved for verification, and blocked from it. */
export const checkNoType = () => judgePassed("a calibration needs no type approval", "校准不要求型式批准");

const describe = ({ decisionRule, conclusion }, count) => {
  if (decisionRule === null || conclusion === null) {
    return [`${count} values, no conclusion`, `${count}个校准结果，未作符合性结论`];
  }
  const { rule, guardFactor, requirement } = decisionRule;
  const [en, zh] = NAMES.get(conclusion);
  const guard = guardFactor === null ? "" : ` w=${guardFactor}U`;
  return [
    `${count} values, ${en} by ${rule.replaceAll("_", " ")}${guard} (${requirement})`,
    `${count}个校准结果，按${RULES[rule]}${guard}判定为${zh}（${requirement}）`,
  ];
};

function* findMisstated({ results }) {
  for (const [number, result] of results.entries()) {
    for (const [position, point] of result.points.entries()) {
      if (findMisstatedError(result, point)) {
        const field = `results[${number}].points[${position}].error`;
        yield reason(field, "does not follow from nominal and measured", "与标准值和示值计算不符");
      }
    }
  }
}

/** Compare the conclusion with the worst that its values give; those before an adjustment do not count. */
function* findWrongConclusions({ results, decisionRule, conclusion }) {
  if (decisionRule === null || conclusion === null) return;
  const found = [];
  for (const [number, result] of results.entries()) {
    for (const [position, point] of result.beforeAdjustment ? [] : result.points.entries()) {
      const limit = point.maximumPermissibleError;
      if (limit === null) {
        const field = `results[${number}].points[${position}].mpe`;
        yield reason(field, "needed where conformity is stated", "作出符合性结论须给出限值");
      } else {
        const error = computeIndicationError(result, point) ?? point.indicationError;
        found.push(judgeConformity(error, limit, point.expandedUncertainty, decisionRule));
      }
    }
  }
  const [en, zh] = NAMES.get(findWorst(found));
  if (!found.length) yield reason("conclusion", "conformity of no value", "没有可判定的校准结果");
  else if (findWorst(found) !== conclusion) {
    yield reason("conclusion", `is ${en} by its decision rule`, `按判定规则应为${zh}`);
  }
}
