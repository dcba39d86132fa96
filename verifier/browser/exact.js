// Exact arithmetic: ledger/core/exact.py, and what rounds in quantity.py. A number is a `Decimal` as written, or a quotient
// {n, d} of two BigInts, d above 0, as computed; every function takes either. Nothing here is ever a float.
import { Decimal } from "./encoding.js";
import { refuse } from "./errors.js";

const size = (number) => (number < 0n ? -number : number);

/** A quotient of two whole numbers. */
export const fraction = (n, d = 1) => ({ n: BigInt(n), d: BigInt(d) });

/** The same number as a quotient. */
export const fractionFromDecimal = (value) =>
  value instanceof Decimal ? { n: value.coefficient, d: 10n ** BigInt(-value.exponent) } : value;

/** Make a function of two quotients out of what it does with their numerators and denominators. */
const onPairs = (compute) => (one, other) => {
  const [a, b] = [fractionFromDecimal(one), fractionFromDecimal(other)];
  return compute(a.n, a.d, b.n, b.d);
};

/** Below 0, 0 or above 0, as one number is below, at or above the other. */
export const compare = onPairs((n, d, m, e) => (n * e < m * d ? -1 : +(n * e > m * d)));

export const add = onPairs((n, d, m, e) => ({ n: n * e + m * d, d: d * e }));

export const subtract = onPairs((n, d, m, e) => ({ n: n * e - m * d, d: d * e }));

export const multiply = onPairs((n, d, m, e) => ({ n: n * m, d: d * e }));

/** One number divided by another that is above 0. */
export const divide = onPairs((n, d, m, e) => ({ n: n * e, d: d * m }));

/** Whether a number is above 0. */
export const isPositive = (value) => fractionFromDecimal(value).n > 0n;

/** The number without its sign. */
export const magnitude = (value) =>
  value instanceof Decimal
    ? new Decimal(size(value.coefficient), value.exponent)
    : { n: size(value.n), d: value.d };

/** The same number with as few decimal places as it needs, null if no number of places suffices. */
export const decimalFromFraction = ({ n, d }) => {
  const most = d.toString(2).length;
  for (let places = 0; places <= most; places += 1, n *= 10n) if (n % d === 0n) return new Decimal(n / d, -places);
  return null;
};

/** Half the weight of the last place that was written: 0.005 for 0.30, 0.5 for 12. */
export const halfAPlace = (decimal) => ({ n: 1n, d: 2n * 10n ** BigInt(-decimal.exponent) });

/** The plain digits of a decimal, its trailing zeros kept, wherever a sentence shows one. */
Decimal.prototype.toString = function () {
  const digits = String(size(this.coefficient)).padStart(1 - this.exponent, "0");
  const at = digits.length + this.exponent;
  return (this.coefficient < 0n ? "-" : "") + digits.slice(0, at) + (this.exponent ? "." + digits.slice(at) : "");
};

/** Round once to a multiple of an interval above 0, ties to the even multiple (GB/T 8170-2008 §3.2, §3.4, §3.5). */
export const roundToInterval = (value, interval) => {
  if (!isPositive(interval)) refuse("a rounding interval is above 0");
  const { n, d } = divide(value, interval);
  const low = size(n) / d;
  const twice = (size(n) - low * d) * 2n;
  const multiple = low + (twice > d || (twice === d && low % 2n) ? 1n : 0n);
  return new Decimal((n < 0n ? -multiple : multiple) * interval.coefficient, interval.exponent);
};
