// Exact numbers: quotients of BigInt, `n` over `d` above 0. Nothing here is ever a float.
const PLAIN = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const MAX_DIGITS = 30;

const abs = (value) => (value < 0n ? -value : value);

/** Return a number as people type it in the one spelling of documents, or null: full width, comma, leading zeros. */
export const tidy = (text) => {
  const plain = text.normalize("NFKC").trim().replace(/[,。]/, ".").replace(/^\+/, "");
  const short = plain.replace(/^(-?)0+(?=[0-9])/, "$1").replace(/^(-?)\./, "$10.");
  return isDecimal(short) ? short : null;
};

/** Tell whether a text is a decimal in its one spelling: no exponent, no negative zero, at most 30 digits. */
export const isDecimal = (text) =>
  typeof text === "string" &&
  PLAIN.test(text) &&
  text.replace(/[^0-9]/g, "").length <= MAX_DIGITS &&
  !(text[0] === "-" && /^[-0.]*$/.test(text));

/** Return the number that a decimal stands for. */
export const parse = (text) => {
  if (!isDecimal(text)) throw new RangeError(`${text} is no decimal number`);
  const point = text.indexOf(".");
  const places = point < 0 ? 0 : text.length - point - 1;
  return { n: BigInt(text.replace(".", "")), d: 10n ** BigInt(places) };
};

export const subtract = (one, other) => ({ n: one.n * other.d - other.n * one.d, d: one.d * other.d });

export const multiply = (one, other) => ({ n: one.n * other.n, d: one.d * other.d });

/** Return one / other; the other is above 0. */
export const divide = (one, other) => {
  if (other.n <= 0n) throw new RangeError("a divisor is above 0");
  return { n: one.n * other.d, d: one.d * other.n };
};

/** Return below 0, 0 or above 0, as `one` is below, at or above `other`. */
export const compare = (one, other) => {
  const difference = one.n * other.d - other.n * one.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

/** Return (indicated - reference) / reference * 100; the reference is above 0. */
export const percent = (indicated, reference) => {
  if (reference.n <= 0n) throw new RangeError("a relative error needs a reference above 0");
  const difference = subtract(indicated, reference);
  return { n: difference.n * 100n * reference.d, d: difference.d * reference.n };
};

/** Round once to a multiple of a step, ties to the even multiple (GB/T 8170-2008): the number of steps. */
export const countSteps = (value, step) => {
  const numerator = value.n * step.d;
  const denominator = value.d * step.n;
  const size = abs(numerator);
  const low = size / denominator;
  const twice = (size - low * denominator) * 2n;
  const up = twice > denominator || (twice === denominator && low % 2n === 1n);
  const steps = up ? low + 1n : low;
  return numerator < 0n ? -steps : steps;
};

export const roundTo = (value, step) => ({ n: countSteps(value, step) * step.n, d: step.d });

/** Return the digits of a number rounded to so many places; zero has no sign. */
export const spell = (value, places) => {
  const scale = 10n ** BigInt(places);
  const units = countSteps(value, { n: 1n, d: scale });
  const digits = abs(units).toString().padStart(places + 1, "0");
  const whole = places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
  return units < 0n ? `-${whole}` : whole;
};

/** Return a number that is a decimal, with as few places as it needs. */
export const spellExact = (value) => {
  for (let places = 0; places <= 2 * MAX_DIGITS; places += 1) {
    const text = spell(value, places);
    if (compare(parse(text), value) === 0) return text;
  }
  throw new RangeError("not a decimal number");
};
