// Without network: what this device can say of a code by itself. Of one that it has looked at before it checks the kept
// proof again, by its own clock, and says as of when; of a long code it says who signed it; of others, that it cannot know.
import { checkOnDevice, computeCode, encodeUtf8, parseCode, parseDigits, parseTrustList, requireMaphead, STATUS_WORDS } from "../verifier/all.js";
import { recall } from "./kept.js";
import { nameFiles, readAddress, recallSeen } from "./seen.js";
import { say, sayDate, sayInstant, t } from "./words.js";

const PINS = "hengzheng/pins/v1";
const CODES = { computeCode, parseCode, parseDigits };
const UNUSABLE = { outcome: { report: null }, since: null };
const GOOD = new Set(["VALID", "ATTENTION", "PENDING", "CALIBRATED", "PAPER"]);

const unknown = (...sentences) => ({
  style: "unchecked",
  shown: "CANNOT_CHECK",
  title: t("Cannot check right now", "暂时无法核验"),
  sentences: [t("There is no network. This does not mean that the certificate is invalid.", "当前没有网络。这不代表证书无效。"), ...sentences],
  facts: [],
});

/** What every check needs: {policyText, ruleBook}; null where nothing was kept. */
const readKept = async () => {
  const [policyText, rules] = await Promise.all(["/policy.json", "/rules.json"].map(recall));
  return policyText === null || rules === null ? null : { policyText, ruleBook: JSON.parse(rules) };
};

// --- what was looked at before ---------------------------------------------------------------------------------

/** What this device has pinned. Larger states that it has seen since say nothing against a kept one: its age does. */
const recallPins = () => {
  try {
    const pins = JSON.parse(localStorage.getItem(PINS));
    return typeof pins?.policy?.digest === "string" ? { ...pins, checkpoint: null } : null;
  } catch {
    return null;
  }
};

const readBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** When the log made the state that was kept. */
const findTime = ({ newestText, bundleText, proofText }) =>
  requireMaphead(readBase64(JSON.parse(newestText ?? bundleText ?? proofText).evidence.maphead)).sequencedAtMs;

/** Return what the verifier makes of a kept proof now: {outcome, since}; null where there is none. */
const checkSeen = async (expected, key, kept, now) => {
  const seen = await recallSeen(key, now);
  if (seen === null) return null;
  try {
    const given = nameFiles(seen);
    const outcome = await checkOnDevice({ ...kept, ...given, expected, remembered: recallPins(), now });
    return { outcome, since: findTime(given) };
  } catch {
    return UNUSABLE;
  }
};

const describeSeen = ({ shown, report }, since, { zone, max_status_age_seconds: maxAge = null }) => {
  const asOf = t(`No network. State as of ${sayInstant(since, zone)}.`, `当前没有网络；状态截至${sayInstant(since, zone)}。`);
  const own = t("Checked again by this device, without network, with the proof that it has kept.", "本机已用保存的证明离线重新核验。");
  const later = t("Whether that has changed since is not known: look again when there is network.", "此后是否变更未知，请联网后再次查询。");
  const facts = report.document === null ? [] : describeFacts(report.document);
  const isTimely = maxAge !== null || !GOOD.has(shown);
  if (shown !== "CANNOT_CHECK" && isTimely) return { shown, asOf, sentences: [own, later], facts };
  const words = STATUS_WORDS[report.status];
  const then = words === undefined ? null : t(`Then: ${words.en}.`, `当时状态：${words.zh}。`);
  const title = t("State now not known", "现况未查");
  return { style: "unchecked", shown: "CANNOT_CHECK", title, asOf, sentences: [then, own, later].filter(Boolean), facts };
};

// --- what a long code says by itself ---------------------------------------------------------------------------

/** Return as of when the trust list is, in words. */
const sayAge = (trustText, zone) => {
  const { evidence } = parseTrustList(encodeUtf8(trustText));
  const since = sayInstant(requireMaphead(evidence.maphead).sequencedAtMs, zone);
  return t(`Trust list as of ${since}.`, `信任列表截至${since}。`);
};

/** Conclusions of what verifies nothing, by its type: of others the type says it. */
const CONCLUSIONS = {
  calibration_certificate: { pass: ["conforms", "符合"], fail: ["does not conform", "不符合"], conditional: ["undecided", "待定"] },
  paper_register: { pass: ["passed", "合格"], fail: ["failed", "不合格"] },
};

const isNotice = ({ documentType }) => documentType === "rejection_notice";

const sayConclusion = ({ documentType, conclusion }) => (conclusion === null ? null : t(...CONCLUSIONS[documentType][conclusion]));

/** The day of the work, under its name. */
const nameDay = ({ documentType }) => (documentType === "calibration_certificate" ? t("Calibrated on", "校准日期") : t("Verified on", "检定日期"));

const describeFacts = (document) =>
  [
    [t("Signed by", "签发机构"), document.institution],
    [t("Maker", "制造单位"), document.maker],
    [t("Model", "型号"), document.model],
    [t("Serial number", "出厂编号"), document.serial],
    isNotice(document) ? [t("Number of the notice", "通知书编号"), document.number] : [t("Number", "证书编号"), document.number],
    [t("Conclusion", "结论"), sayConclusion(document)],
    [nameDay(document), sayDate(document.verifiedOn)],
    [t("Valid until, as signed", "签发时所载有效期至"), document.validUntil === null ? null : sayDate(document.validUntil)],
  ].filter(([, value]) => value !== null);

const capitalise = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const sayStatus = (status) => capitalise(say(STATUS_WORDS[status]));

/** What the signed words alone already say against the instrument or the document: {shown, title}; null: nothing. */
const findAgainst = ({ status, document }) => {
  if (status === "FAILED") return { shown: "FAILED", title: sayStatus(status) };
  if (document.conclusion === "fail") return { shown: "FAILED", title: t(`Conclusion: ${sayConclusion(document)}`, `结论：${sayConclusion(document)}`) };
  if (status === "EXPIRED" || status === "SERVICE_LIFE_ENDED") return { shown: "EXPIRED", title: sayStatus(status) };
  return null;
};

const KINDS = { calibration_certificate: "CALIBRATED", paper_register: "PAPER" };

/** What kind of document it is, and what has become of it since, as far as the title does not say it. */
const listRemarks = ({ status, document }, title) => {
  const said = new Set([KINDS[document.documentType] ?? "VALID", status]);
  said.delete("VALID");
  const clock = t("By the date that was signed, and the clock of this device.", "按签发时所载日期和本机时间判断。");
  const isDated = said.has("EXPIRED") || said.has("SERVICE_LIFE_ENDED");
  const words = [...said].map(sayStatus).filter((each) => each !== title);
  return [...words.map((each) => t(`${each}.`, `${each}。`)), ...(isDated ? [clock] : [])];
};

const describeSigned = (report, asOf) => {
  const against = findAgainst(report);
  const found = against ?? { style: "unchecked", title: t("Signature holds, state not checked", "签名有效，状态未查") };
  const [en, zh] = isNotice(report.document) ? ["notice", "通知书"] : ["document", "证书"];
  const own = t("The signature was checked by this device, without network.", "本机已离线核验签名。");
  const since = t(`Whether the ${en} has been cancelled or replaced since is not known.`, `该${zh}此后是否被注销或代替，尚未查询。`);
  const signed = t(`This is the ${en} as signed; the state since has not been looked up.`, `以上为该${zh}签发时的内容；此后状态未查。`);
  const compare = t("Compare it with the nameplate, and look again when there is network.", "请与器具铭牌核对，联网后再次查询。");
  const sentences = [...listRemarks(report, found.title), own, against === null ? since : signed, compare, asOf];
  return { ...found, sentences, facts: describeFacts(report.document) };
};

const describeReport = (report, asOf) => {
  if (report.hasFailed) {
    const failed = report.checks.find((check) => check.outcome === "FAILED");
    return { style: "tampered", title: t("Does not match the register", "内容与登记不符"), sentences: [say(failed.reason), asOf], facts: [] };
  }
  if (!report.authentic) return unknown(t("This device does not know who signed this code.", "本机不认识该二维码的签发机构。"), asOf);
  return describeSigned(report, asOf);
};

const judgeDigits = async (expected, kept, now) => {
  const trustText = await recall("/trust.json");
  if (trustText === null) return unknown(t("This device has kept nothing yet to check it with.", "本机尚未保存可用于离线核验的信任列表。"));
  const { report, reason } = await checkOnDevice({ ...kept, trustText, bundleText: null, remembered: recallPins(), expected, now });
  return report === null ? unknown(say(reason)) : describeReport(report, sayAge(trustText, JSON.parse(kept.policyText).zone));
};

/** Return the first of these addresses that this device has looked at before; the first where it has at none. */
export const chooseKept = async (addresses, now = Date.now()) => {
  for (const address of addresses) {
    const { key } = readAddress(address, CODES);
    if ((await recallSeen(key, now)) !== null) return address;
  }
  return addresses[0];
};

// --- both ------------------------------------------------------------------------------------------------------

/** Return what can be said of the code at an address of this site. */
export const judgeOffline = async (address, now = Date.now()) => {
  const kept = await readKept();
  if (kept === null) return unknown(t("This device has kept nothing yet to check it with.", "本机尚未保存可用于离线核验的信任列表。"));
  const { expected, key } = readAddress(address, CODES);
  const seen = await checkSeen(expected, key, kept, now);
  const isUsable = seen !== null && seen.outcome.report !== null && !seen.outcome.report.hasFailed;
  if (isUsable) return describeSeen(seen.outcome, seen.since, JSON.parse(kept.policyText));
  if (expected.digits !== undefined) return judgeDigits(expected, kept, now);
  return seen === null
    ? unknown(t("This device has not looked at this code before: look again when there is network.", "本机此前未查过该编码，请联网后查询。"))
    : unknown(t("The proof that this device has kept cannot be used: look again when there is network.", "本机保存的证明无法使用，请联网后查询。"));
};
