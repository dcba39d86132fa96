// From readings to results, as `issuer/rounds/judging.py` computes them; a test compares both over generated cases.
import { compare, divide, multiply, parse, percent, roundTo, spell, spellExact, subtract } from "./decimal.js";

const MIN_PLACES = 2;
const MAX_PLACES = 12;
const ZERO = { n: 0n, d: 1n };

/** Tell whether a limit holds at a load in e; null: no load is known. */
const covers = (limit, load) => {
  if (limit.over === undefined && limit.up_to === undefined) return true;
  if (load === null) return false;
  const above = limit.over === undefined ? compare(load, ZERO) >= 0 : compare(load, parse(limit.over)) > 0;
  return above && (limit.up_to === undefined || compare(load, parse(limit.up_to)) <= 0);
};

/** Return the limit of an item for an accuracy class, or null; `unit` and `load` (in e) where they matter. */
export const findLimit = (limits, item, accuracyClass, unit = null, load = null) =>
  limits.find(
    (one) =>
      one.item === item &&
      (unit === null || one.unit === unit) &&
      (one.class === undefined || one.class === accuracyClass) &&
      covers(one, load),
  ) ?? null;

/** Return a limit stated in e as one in the unit of the errors. */
const inErrors = (limit, weighing) => {
  const factor = parse(weighing.in_errors);
  const names = ["lower", "upper", "rounding"].filter((name) => limit[name] !== undefined);
  const numbers = names.map((name) => [name, spellExact(multiply(parse(limit[name]), factor))]);
  return { ...limit, ...Object.fromEntries(numbers), unit: weighing.error_unit };
};

/** Return the limit that decides about a reading: of a weighing instrument the one at its load. */
export const findLimitAt = (item, nominal, measuring) => {
  const { limits, weighing } = measuring;
  if (weighing === undefined) return findLimit(limits, item, measuring.class);
  const code = item === "eccentricity" ? "indication_error" : item;
  const plain = findLimit(limits, code, measuring.class, weighing.error_unit);
  if (plain !== null) return plain;
  const reference = parse(nominal);
  if (compare(reference, ZERO) < 0) throw new RangeError("a load below 0");
  const load = divide(reference, parse(weighing.in_readings));
  const stepped = findLimit(limits, code, measuring.class, "e", load);
  return stepped === null ? null : inErrors(stepped, weighing);
};

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
export const computeError = (limit, nominal, measured, weighing) => {
  const [reference, indicated] = [parse(nominal), parse(measured)];
  if (limit.unit === "%") return percent(indicated, reference);
  const difference = subtract(indicated, reference);
  if (weighing === undefined) return difference;
  return multiply(difference, divide(parse(weighing.in_errors), parse(weighing.in_readings)));
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

const describeSeries = (series, judged, measuring) => {
  const points = series.readings.map(([nominal, measured], number) => {
    const { error, limit } = judged[number];
    return {
      nominal,
      measured,
      error: state(limit, error),
      mpe: findMpe(limit),
      pass: keeps(limit, error),
      ...(measuring.uncertainty === undefined ? {} : { u: measuring.uncertainty }),
    };
  });
  return {
    item: series.item,
    ...namePart(series),
    unit: measuring.unit,
    ...(measuring.k === undefined ? {} : { k: measuring.k }),
    error_unit: judged[0].limit.unit,
    points,
    pass: points.every((point) => point.pass),
  };
};

const namePart = (series) => ({
  ...(series.part === null ? {} : { part: series.part }),
  ...((series.flow ?? null) === null ? {} : { flow: series.flow }),
  ...(series.before_adjustment ? { before_adjustment: true } : {}),
});

const describeRepeatability = (series, spread, limit, measuring) => {
  const pass = keeps(limit, spread);
  const isWeighing = measuring.weighing !== undefined; // its limit depends on the load
  const load = isWeighing ? { nominal: series.readings[0][0] } : {};
  const point = { ...load, error: state(limit, spread), mpe: findMpe(limit), pass };
  const unit = isWeighing ? { unit: measuring.unit } : {};
  return { item: "repeatability", ...namePart(series), ...unit, error_unit: limit.unit, points: [point], pass };
};

/** Return the limit of the repeatability of a series, or null: it has none, or none was looked for. */
const findSpreadLimit = (series, judged, measuring) => {
  const { limit } = judged[0];
  if (judged.length < 2) return null;
  if (measuring.weighing === undefined) {
    const own = findLimit(measuring.limits, "repeatability", measuring.class);
    return own !== null && own.unit === limit.unit ? own : null;
  }
  const [first, ...others] = series.readings.map(([nominal]) => parse(nominal));
  if (series.item !== "indication_error" || others.some((one) => compare(one, first) !== 0)) return null;
  const own = findLimitAt("repeatability", series.readings[0][0], measuring);
  return own ?? { ...limit, lower: undefined, upper: findMpe(limit) };
};

/** Return results as documents write them: each series, and its repeatability if that is limited. */
export const computeResults = (allSeries, measuring) => {
  const results = [];
  for (const series of allSeries) {
    if (series.item === "repeatability") throw new RangeError(`no limit for ${series.item}`);
    if (!series.readings.length) throw new RangeError("no reading was taken");
    const judged = series.readings.map(([nominal, measured]) => {
      const limit = findLimitAt(series.item, nominal, measuring);
      if (limit === null) throw new RangeError(`no limit for ${series.item}`);
      return { limit, error: computeError(limit, nominal, measured, measuring.weighing) };
    });
    results.push(describeSeries(series, judged, measuring));
    const spreadLimit = findSpreadLimit(series, judged, measuring);
    if (spreadLimit !== null) {
      const sorted = judged.map(({ error }) => error).sort(compare);
      results.push(describeRepeatability(series, subtract(sorted.at(-1), sorted[0]), spreadLimit, measuring));
    }
  }
  return results;
};

/** Tell whether every U of a result is within its share of the limit (JJF 1094: 1/3); null: none is stated. */
export const keepsShare = (result, share) => {
  const stated = result.points.filter((point) => point.u !== undefined);
  if (share === undefined || !stated.length) return null;
  const [part, whole] = share.split("/").map(parse);
  return stated.every(({ u, mpe }) => compare(multiply(parse(u), whole), multiply(parse(mpe), part)) <= 0);
};

/** Return "pass" if everything measured after adjustment passed, and something was. */
export const findConclusion = (results) => {
  const counting = results.filter((one) => !one.before_adjustment);
  return counting.length && counting.every((one) => one.pass) ? "pass" : "fail";
};

/** Return the places, as part and flow, where a repeatability is due and none is: one reading has none. */
export const findUnrepeated = (results, measuring) => {
  if (!limitsRepeatability(measuring)) return [];
  const counting = results.filter((one) => !one.before_adjustment);
  const place = ({ part, flow }) => JSON.stringify([part ?? null, flow ?? null]);
  const found = new Set(counting.filter(({ item }) => item === "repeatability").map(place));
  return [...new Set(counting.map(place))].filter((one) => !found.has(one)).map((one) => JSON.parse(one));
};

const limitsRepeatability = ({ limits, weighing, class: accuracyClass }) => {
  if (weighing !== undefined) return true;
  const own = findLimit(limits, "repeatability", accuracyClass);
  const fits = (one) => one.item !== own.item && one.unit === own.unit && (one.class === undefined || one.class === accuracyClass);
  return own !== null && limits.some(fits);
};
