// From readings to results, as `issuer/rounds/judging.py` computes them; a test compares both over generated cases.
import { compare, parse, percent, roundTo, spell, subtract } from "./decimal.js";

const MIN_PLACES = 2;
const MAX_PLACES = 12;
const ZERO = { n: 0n, d: 1n };

/** Return the limit of an item for an accuracy class, or null. */
export const findLimit = (limits, item, accuracyClass) =>
  limits.find(
    (one) => one.item === item && (one.class === undefined || one.class === accuracyClass),
  ) ?? null;

/** Tell whether an error keeps a limit; it is rounded first only where the regulation says so. */
export const keeps = (limit, error) => {
  const value = limit.rounding === undefined ? error : roundTo(error, parse(limit.rounding));
  const lower = limit.lower === undefined ? ZERO : parse(limit.lower);
  const below = compare(value, parse(limit.upper));
  const above = compare(value, lower);
  if (limit.lower === undefined) return above >= 0 && (limit.inclusive ? below <= 0 : below < 0);
  return limit.inclusive ? above >= 0 && below <= 0 : above > 0 && below < 0;
};

/** Return the smaller magnitude of a limit's bounds, as it is written. */
export const findMpe = (limit) => {
  if (limit.lower === undefined) return limit.upper;
  const lower = limit.lower.replace("-", "");
  return compare(parse(limit.upper), parse(lower)) < 0 ? limit.upper : lower;
};

/** Return the error of one reading, exactly. */
export const computeError = (limit, nominal, measured) => {
  const [reference, indicated] = [parse(nominal), parse(measured)];
  return limit.unit === "%" ? percent(indicated, reference) : subtract(indicated, reference);
};

/** Return an error with as few places, two or more, as keep its judgement the same. */
export const state = (limit, error) => {
  const passed = keeps(limit, error);
  for (let places = MIN_PLACES; places < MAX_PLACES; places += 1) {
    const text = spell(error, places);
    if (keeps(limit, parse(text)) === passed) return text;
  }
  return spell(error, MAX_PLACES);
};

const describeSeries = (series, errors, limit, measuring) => {
  const points = series.readings.map(([nominal, measured], number) => ({
    nominal,
    measured,
    error: state(limit, errors[number]),
    mpe: findMpe(limit),
    pass: keeps(limit, errors[number]),
    ...(measuring.uncertainty === undefined ? {} : { u: measuring.uncertainty }),
  }));
  return {
    item: series.item,
    ...namePart(series),
    unit: measuring.unit,
    ...(measuring.k === undefined ? {} : { k: measuring.k }),
    error_unit: limit.unit,
    points,
    pass: points.every((point) => point.pass),
  };
};

const namePart = (series) => ({
  ...(series.part === null ? {} : { part: series.part }),
  ...(series.before_adjustment ? { before_adjustment: true } : {}),
});

const describeRepeatability = (series, spread, limit) => {
  const pass = keeps(limit, spread);
  const point = { error: state(limit, spread), mpe: findMpe(limit), pass };
  return { item: "repeatability", ...namePart(series), error_unit: limit.unit, points: [point], pass };
};

/** Return results as documents write them: each series, and its repeatability if that is limited. */
export const computeResults = (allSeries, measuring) => {
  const results = [];
  for (const series of allSeries) {
    const limit = findLimit(measuring.limits, series.item, measuring.class);
    if (limit === null || series.item === "repeatability") throw new RangeError(`no limit for ${series.item}`);
    if (!series.readings.length) throw new RangeError("no reading was taken");
    const errors = series.readings.map(([nominal, measured]) => computeError(limit, nominal, measured));
    results.push(describeSeries(series, errors, limit, measuring));
    const spreadLimit = findLimit(measuring.limits, "repeatability", measuring.class);
    if (spreadLimit !== null && spreadLimit.unit === limit.unit && errors.length > 1) {
      const sorted = [...errors].sort(compare);
      results.push(describeRepeatability(series, subtract(sorted.at(-1), sorted[0]), spreadLimit));
    }
  }
  return results;
};

/** Return "pass" if everything measured after adjustment passed, and something was. */
export const findConclusion = (results) => {
  const counting = results.filter((one) => !one.before_adjustment);
  return counting.length && counting.every((one) => one.pass) ? "pass" : "fail";
};
