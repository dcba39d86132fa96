// Limits of a regulation in numbers, and the judgement of an error against them: ledger/core/limit.py.
import { refuse } from "./errors.js";
import {
  compare, decimalFromFraction, divide, fraction, isPositive, magnitude, multiply, roundToInterval,
} from "./exact.js";
import { readTable } from "./table.js";
import { computeBaseValue, parseUnit } from "./unit.js";

export const LIMIT_COLUMNS = (
  "regulation accuracy_class item condition load_over load_up_to mpe_lower mpe_upper unit inclusive rounding_interval " +
  "in_service_factor confidence note"
).split(" ");
export const CONFIRMED = "V";
const ITEMS = ["indication_error", "indication_error_low", "indication_error_high", "error_in_use", "repeatability"];
const ZERO = fraction(0);

/** The table of limits. */
export const parseLimits = (text) => {
  const limits = Array.from(readTable("limits", text, LIMIT_COLUMNS), parseLimit);
  checkOverlaps(limits);
  return limits;
};

/** Refuse limits two of which answer the same question. */
export const checkOverlaps = (limits) => {
  if (limits.some((limit, number) => limits.slice(0, number).some((earlier) => overlap(limit, earlier)))) {
    refuse("an item is limited twice", "limits");
  }
};

/** Trust tags: V, K and U joined by `/`, each once. */
export const parseTags = (row, column) => {
  const text = row.text(column);
  const tags = text.split("/");
  if (tags.some((tag) => !/^[VKU]$/.test(tag)) || new Set(tags).size !== tags.length) {
    refuse("expected V, K, U or several of them joined by /", row.path(column));
  }
  return text;
};

/** One row of the table of limits. */
export const parseLimit = (row) => {
  const [item, upper] = [row.optionalCode("item", ITEMS), row.optionalDecimal("mpe_upper")];
  if (item === null || upper === null) refuse("an item and an upper limit are needed", row.label);
  const limit = {
    regulationId: row.text("regulation"),
    item,
    accuracyClass: row.optionalText("accuracy_class"),
    lower: row.optionalDecimal("mpe_lower"),
    upper,
    unit: parseUnit(row.text("unit"), { field: row.path("unit") }),
    isInclusive: row.flag("inclusive"),
    roundingInterval: row.optionalDecimal("rounding_interval"),
    loadOver: row.optionalDecimal("load_over"),
    loadUpTo: row.optionalDecimal("load_up_to"),
    inServiceFactor: row.optionalDecimal("in_service_factor"),
    condition: row.optionalText("condition") ?? "",
    confidence: parseTags(row, "confidence"),
    note: row.optionalText("note") ?? "",
  };
  checkRanges(limit, row);
  return Object.freeze(limit);
};

const checkRanges = (limit, row) => {
  const { upper, lower, roundingInterval, inServiceFactor, loadUpTo } = limit;
  if (!isPositive(upper) || (lower !== null && compare(lower, ZERO) >= 0)) {
    refuse("0 must lie between the limits", row.path("mpe_upper"));
  }
  if (roundingInterval !== null && !isPositive(roundingInterval)) refuse("must be above 0", row.path("rounding_interval"));
  if (inServiceFactor !== null && compare(inServiceFactor, fraction(1)) < 0) {
    refuse("must be at least 1", row.path("in_service_factor"));
  }
  const over = limit.loadOver ?? ZERO;
  if (compare(over, ZERO) < 0 || (loadUpTo !== null && compare(loadUpTo, over) <= 0)) {
    refuse("the step of load is empty", row.path("load_up_to"));
  }
};

/** Whether some question would have both limits for an answer. */
const overlap = (one, other) => {
  if (["regulationId", "item", "unit"].some((name) => one[name] !== other[name])) return false;
  const classes = [one.accuracyClass, other.accuracyClass];
  if (!classes.includes(null) && classes[0] !== classes[1]) return false;
  return !endsBefore(one, other) && !endsBefore(other, one);
};

const endsBefore = ({ loadUpTo }, { loadOver }) =>
  loadUpTo !== null && loadOver !== null && compare(loadUpTo, loadOver) <= 0;

/** The limit that applies, null where none is on record; `load` is in verification scale intervals e. */
export const limitFor = (limits, item, { accuracyClass = null, unit = null, load = null, inService = false } = {}) => {
  const limit = limits.find(
    (one) =>
      one.item === item &&
      (unit === null || one.unit === unit) &&
      (one.accuracyClass === null || one.accuracyClass === accuracyClass) &&
      covers(one, load),
  );
  if (limit === undefined || !inService) return limit ?? null;
  return limit.inServiceFactor === null ? null : scale(limit, limit.inServiceFactor);
};

const covers = ({ loadOver, loadUpTo }, load) => {
  if (loadOver === null && loadUpTo === null) return true;
  if (load === null) return false;
  const above = loadOver === null ? compare(load, ZERO) >= 0 : compare(load, loadOver) > 0;
  return above && (loadUpTo === null || compare(load, loadUpTo) <= 0);
};

const times = (number, factor) => number && decimalFromFraction(multiply(number, factor));

const scale = (limit, factor) =>
  Object.freeze({ ...limit, lower: times(limit.lower, factor), upper: times(limit.upper, factor) });

/** Whether only what was found in public text made this limit; nothing else may decide. */
export const isConfirmed = ({ confidence }) => confidence === CONFIRMED;

/** The smaller magnitude of the bounds: what an uncertainty is compared with. */
export const findMaximumPermissibleError = ({ lower, upper }) => {
  const size = lower === null ? upper : magnitude(lower);
  return compare(upper, size) < 0 ? upper : size;
};

/** Whether an error, or a repeatability, keeps the limit; it is rounded first only where the regulation says so. */
export const judgeIndicationError = ({ lower, upper, isInclusive, roundingInterval }, error) => {
  const value = roundingInterval === null ? error : roundToInterval(error, roundingInterval);
  const [low, high] = [compare(value, lower ?? ZERO), compare(value, upper)];
  if (isInclusive) return low >= 0 && high <= 0;
  return (lower === null ? low >= 0 : low > 0) && high < 0;
};

/** A load as a number of verification scale intervals, null if the two are no such masses. */
export const computeLoadInIntervals = (load, interval) => {
  const areMasses = [load, interval].every(({ unit }) => unit.dimension === "mass");
  if (!areMasses || !isPositive(interval.value) || compare(load.value, ZERO) < 0) return null;
  return divide(computeBaseValue(load.value, load.unit), computeBaseValue(interval.value, interval.unit));
};

/** A limit stated in e as one in the unit of the stated errors, null where that is none of mass. */
export const computeLimitInErrorUnit = (limit, interval, unit) => {
  if (unit.dimension !== interval.unit.dimension) return null;
  const factor = multiply(interval.value, divide(interval.unit.factor, unit.factor));
  return Object.freeze({ ...scale(limit, factor), unit, roundingInterval: times(limit.roundingInterval, factor) });
};
