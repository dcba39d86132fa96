// What the page of the scanner says, in the language of the page.
const isEnglish = () => document.documentElement.lang.startsWith("en");

/** Return one of two texts. */
export const t = (en, zh) => (isEnglish() ? en : zh);

/** Return a sentence {en, zh} in the language of the page. */
export const say = (sentence) => t(sentence.en, sentence.zh);

/** Return days since 1970-01-01 as a date in full. */
export const sayDate = (days) => {
  const date = new Date(days * 86_400_000);
  const [year, month, day] = date.toISOString().slice(0, 10).split("-");
  const name = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", month: "long" }).format(date);
  return t(`${Number(day)} ${name} ${year}`, `${year}年${month}月${day}日`);
};

/** Return an instant, milliseconds UTC, to the minute in a time zone. */
export const sayInstant = (ms, zone) =>
  new Intl.DateTimeFormat(t("en-GB", "zh-CN"), { timeZone: zone, dateStyle: "long", timeStyle: "short" }).format(new Date(ms));
