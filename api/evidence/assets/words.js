// What the page of a pack says, and how; everything from outside becomes text, never markup.
const ENGLISH = "en";
let language = /^zh\b/i.test(navigator.language) ? "zh-CN" : ENGLISH;

/** One of two texts, in the language of the page. */
const t = (en, zh) => (language === ENGLISH ? en : zh);
const say = (sentence) => (sentence ? t(sentence.en, sentence.zh) : "");

/** An element with attributes and children; what is null is left out. */
const h = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

const SVG = "http://www.w3.org/2000/svg";
/** The icon of a verdict: markup of this script's own. */
const drawIcon = (shown) => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = LOOKS[shown].icon;
  return svg;
};

const rows = (pairs, style = "") =>
  h("dl", style ? { class: style } : {}, ...pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

const fold = (title, ...children) => h("details", {}, h("summary", {}, title), ...children);

const sayInstant = (ms, zone) =>
  new Intl.DateTimeFormat(t("en-GB", "zh-CN"), { timeZone: zone, dateStyle: "long", timeStyle: "short" }).format(new Date(ms));

/** The day of an instant, milliseconds UTC, in a time zone. */
const sayDay = (ms, zone) => new Intl.DateTimeFormat(t("en-GB", "zh-CN"), { timeZone: zone, dateStyle: "long" }).format(new Date(ms));

const OUTCOMES = {
  PASSED: { en: "passed", zh: "通过" },
  FAILED: { en: "failed", zh: "未通过" },
  NOT_CHECKED: { en: "not checked", zh: "未做" },
  REMARK: { en: "passed, with a remark", zh: "通过，请留意" },
};

/** Names of the members that a person compares first; the record itself stands below with the names it was signed with. */
const FIELDS = [
  ["instrument", "Instrument", "器具名称"],
  ["maker", "Maker", "制造单位"],
  ["model", "Model", "型号规格"],
  ["serial", "Serial number", "出厂编号"],
  ["number", "Number of the document", "证书编号"],
  ["institution", "Institution", "签发机构"],
  ["verified_on", "Verified on", "检定日期"],
  ["valid_until", "Valid until, as signed", "签发时所载有效期至"],
  ["entered_on", "Entered on", "登记日期"],
];
