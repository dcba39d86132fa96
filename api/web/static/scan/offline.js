// Without network: what this device can say of a code by itself, with the trust list that it has kept. Never more than
// who signed it; how the document stands now is asked of nobody, and the page says so.
import { checkOnDevice, encodeUtf8, parseTrustList, requireMaphead } from "../verifier/all.js";
import { recall } from "./kept.js";
import { say, sayDate, sayInstant, t } from "./words.js";

const unknown = (...sentences) => ({
  style: "unchecked",
  title: t("Cannot check right now", "暂时无法核验"),
  sentences: [t("There is no network. This does not mean that the certificate is invalid.", "当前没有网络。这不代表证书无效。"), ...sentences],
  facts: [],
});

/** Return what was kept: the arguments of a check without network, or null. */
const readKept = async () => {
  const [policyText, rules, trustText] = await Promise.all(["/policy.json", "/rules.json", "/trust.json"].map(recall));
  if (policyText === null || rules === null || trustText === null) return null;
  return { policyText, ruleBook: JSON.parse(rules), trustText, bundleText: null, remembered: null };
};

/** Return as of when the trust list is, in words. */
const sayAge = ({ trustText, policyText }) => {
  const { evidence } = parseTrustList(encodeUtf8(trustText));
  const since = sayInstant(requireMaphead(evidence.maphead).sequencedAtMs, JSON.parse(policyText).zone);
  return t(`Trust list as of ${since}.`, `信任列表截至${since}。`);
};

const describeFacts = (document) =>
  [
    [t("Signed by", "签发机构"), document.institution],
    [t("Serial number", "出厂编号"), document.serial],
    [t("Number", "证书编号"), document.number],
    [t("Verified on", "检定日期"), sayDate(document.verifiedOn)],
    [t("Valid until, as signed", "签发时所载有效期至"), document.validUntil === null ? null : sayDate(document.validUntil)],
  ].filter(([, value]) => value !== null);

const describeReport = (report, asOf) => {
  if (report.hasFailed) {
    const failed = report.checks.find((check) => check.outcome === "FAILED");
    return { style: "tampered", title: t("Does not match the register", "内容与登记不符"), sentences: [say(failed.reason), asOf], facts: [] };
  }
  if (!report.authentic) return unknown(t("This device does not know who signed this code.", "本机不认识该二维码的签发机构。"), asOf);
  return {
    style: "unchecked",
    title: t("Signature holds, state not checked", "签名有效，状态未查"),
    sentences: [
      t("Checked by this device, without network. Whether the document has been cancelled or replaced since is not known.", "本机已离线核验签名；该证书此后是否被注销或代替，尚未查询。"),
      ...(report.note === null || report.document.documentType === "verification_certificate" ? [] : [say(report.note)]),
      t("Compare it with the nameplate, and look again when there is network.", "请与器具铭牌核对，联网后再次查询。"),
      asOf,
    ],
    facts: describeFacts(report.document),
  };
};

/** Return what can be said of the code at an address of this site. */
export const judgeOffline = async (path) => {
  const [, kind, content] = path.split("/");
  if (kind !== "q") return unknown(t("This code only names a document: look again when there is network.", "该编码须联网查询，请联网后重试。"));
  const kept = await readKept();
  if (kept === null) return unknown(t("This device has kept nothing yet to check it with.", "本机尚未保存可用于离线核验的信任列表。"));
  const { report, reason } = await checkOnDevice({ ...kept, expected: { digits: content }, now: Date.now() });
  return report === null ? unknown(say(reason)) : describeReport(report, sayAge(kept));
};
