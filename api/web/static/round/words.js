// Words of the page, by the codes that documents use; [English, Chinese].
let language = (typeof navigator === "undefined" ? "zh" : navigator.language).startsWith("zh") ? "zh" : "en";

export const chooseLanguage = (chosen) => {
  language = chosen;
};
export const currentLanguage = () => language;
export const t = (en, zh) => (language === "en" ? en : zh);
/** Return a sentence that the office or a table says in both languages. */
export const say = (sentence) => (language === "en" ? sentence.en : sentence.zh);

const ITEMS = {
  indication_error: ["Indication error", "示值误差"],
  indication_error_low: ["Indication error, low zone", "示值误差（低区）"],
  indication_error_high: ["Indication error, high zone", "示值误差（高区）"],
  error_in_use: ["Error in use", "使用误差"],
  eccentricity: ["Eccentric loading", "偏载"],
  repeatability: ["Repeatability", "重复性"],
};
const KINDS = {
  initial: ["initial", "首次检定"],
  periodic: ["periodic", "周期检定"],
  after_repair: ["after repair", "修理后检定"],
};
const STATES = {
  untouched: ["to do", "未检"],
  begun: ["begun", "检定中"],
  signed: ["done, not sent yet", "已完成，待同步"],
  drafted: ["in the office, became a draft", "已同步，已转为草稿"],
  held: ["in the office, waits with reasons", "已同步，待处理"],
  replaced: ["replaced by a later revision", "已被后续版本代替"],
  refused: ["refused by the office", "被办公系统拒收"],
};
export const nameItem = (code) => t(...(ITEMS[code] ?? [code, code]));
export const nameKind = (code) => t(...(KINDS[code] ?? [code, code]));
export const nameState = (code) => t(...STATES[code]);
