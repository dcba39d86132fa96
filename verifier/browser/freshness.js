// How old a status is, in words and against the policy's limit: verifier/freshness.py.

const AGE_UNITS = [
  [86_400_000, "day", "天"],
  [3_600_000, "hour", "小时"],
  [60_000, "minute", "分钟"],
];

/** Return an instant as people read it, to the minute. */
export function spellInstant(at) {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Compare the instant of a status with the verifier's clock; `maxAge` null: any age will do. */
export function judgeAge(asOf, now, maxAge) {
  const age = Math.max(now - asOf, 0);
  const [size, en, zh] = AGE_UNITS.find((unit) => age >= 2 * unit[0]) ?? AGE_UNITS[2];
  const count = Math.floor(age / size);
  const instant = spellInstant(asOf);
  const text = {
    en: `as of ${instant}, ${count} ${en}${count === 1 ? "" : "s"} old`,
    zh: `截至${instant}，${count}${zh}前`,
  };
  return { text, isTooOld: maxAge !== null && age > maxAge };
}
