// decision.py and comparison.py in one: whether an error conforms to a limit, its uncertainty considered; whether two values agree.
import { add, compare, fraction, isPositive, magnitude, multiply, subtract } from "./exact.js";
import { Conclusion } from "./statement.js";
import { parseUnit } from "./unit.js";

export const AcceptanceRule = Object.freeze({ SIMPLE: "simple_acceptance", GUARDED: "guarded_acceptance" });

/** Parse the decision rule of a calibration certificate. */
export const parseDecisionRule = (reader) => {
  const rule = reader.enum("rule", AcceptanceRule);
  const guardFactor = reader.optDecimal("guard_factor");
  if ((guardFactor !== null) !== (rule === AcceptanceRule.GUARDED)) {
    reader.refuse("guard_factor", "belongs to guarded acceptance, and to nothing else");
  }
  if (guardFactor !== null && (!isPositive(guardFactor) || compare(guardFactor, fraction(10)) > 0)) {
    reader.refuse("guard_factor", "is above 0 and at most 10");
  }
  const found = { rule, guardFactor, requirement: reader.text("requirement", { maxBytes: 200 }) };
  reader.finish();
  return Object.freeze(found);
};

/** Return what a rule says of one measured error; signs of error and limit do not matter. */
export const judgeConformity = (error, limit, expandedUncertainty, { guardFactor }) => {
  const [size, largest] = [magnitude(error), magnitude(limit)];
  const guard = guardFactor === null ? fraction(0) : multiply(guardFactor, expandedUncertainty);
  if (compare(size, subtract(largest, guard)) <= 0) return Conclusion.PASS;
  const fails = guardFactor === null || compare(size, add(largest, guard)) > 0;
  return fails ? Conclusion.FAIL : Conclusion.CONDITIONAL;
};

/** Return the conclusion of a whole that has these parts. */
export const findWorst = (conclusions) =>
  [Conclusion.FAIL, Conclusion.CONDITIONAL].find((each) => conclusions.includes(each)) ?? Conclusion.PASS;

/** Parse one comparison (计量比对) of a calibration certificate. */
export const parseComparison = (reader) => {
  const unit = parseUnit(reader.text("unit", { maxBytes: 16 }), { field: reader.pathOf("unit") });
  const name = reader.text("name", { maxBytes: 200 });
  const [own, reference] = [["value", "u"], ["reference", "reference_u"]].map(([value, u]) => {
    const measured = { value: reader.decimal(value), expandedUncertainty: reader.decimal(u) };
    if (!isPositive(measured.expandedUncertainty)) reader.refuse(u, "an expanded uncertainty is above 0");
    return Object.freeze(measured);
  });
  reader.finish();
  return Object.freeze({ name, unit, own, reference });
};

const square = (one) => multiply(one, one);

/** Say whether En <= 1, decided on the squares, exactly. */
export const isConsistent = (one, other) => {
  const sum = add(square(one.expandedUncertainty), square(other.expandedUncertainty));
  return compare(square(subtract(one.value, other.value)), sum) <= 0;
};
