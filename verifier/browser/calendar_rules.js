// The last valid day = verification date + calendar months - 1 day: ledger/core/calendar_rules.py.
import { DAY, encodeDate, isDate } from "./encoding.js";
import { refuse } from "./errors.js";

export const ValidityKind = Object.freeze({ DATE: 1, SERVICE_LIFE: 2, NONE: 3 });
export const MAX_MONTHS = 1200;

/** The last day of a period of 1 to 1200 months that begins on a day, both as days since 1970-01-01. */
export const computeLastValidDate = (verificationDate, months) => {
  if (!(months >= 1 && months <= MAX_MONTHS)) refuse(`a period of ${months} months; expected 1 to ${MAX_MONTHS}`);
  const start = new Date(verificationDate * DAY);
  const [year, month] = [start.getUTCFullYear(), start.getUTCMonth() + months];
  const first = new Date(0).setUTCFullYear(year, month, 1) / DAY;
  const last = new Date(0).setUTCFullYear(year, month + 1, 0) / DAY;
  if (!isDate(last)) refuse(`${encodeDate(verificationDate)} and ${months} months lead beyond the year 9999`);
  return Math.min(first + start.getUTCDate() - 1, last) - 1;
};
