// What is known without a bundle: of a certificate, of the statement printed in a code. verifier/verify.py has both beside the
// steps; pages with a proof need neither, so they are loaded when they are met.
import { checkInstitution, checkKey, checkSeal, checkStatement, findStatus, fromRule } from "./checks.js";
import { nameCategory } from "./category.js";
import { encodeHex } from "./encoding.js";
import { refuse } from "./errors.js";
import { judgeByRegisters } from "./judging.js";
import { DOCUMENT_KINDS, DocumentType } from "./record.js";
import { RegisterState } from "./register_fields.js";
import { buildReport } from "./report.js";
import { localDate } from "./rules.js";
import { Conclusion, DocumentKind, IssueClaims, parseSignedStatement } from "./statement.js";
import { NOT_CHECKED, notChecked, PASSED, passed, Step } from "./step.js";
import {
  buildGrounds,
  BY_REGISTERS,
  checkByBook,
  checkOrderOfTimes,
  describeKind,
  findRecordStatus,
  nameConclusion,
  openAll,
  statusNotProved,
  summarise,
} from "./verify.js";

const NO_TRUST_LIST = ["no trust list at hand", "没有信任列表"];
const UNKNOWN_KEY = ["the trust list does not know this key", "信任列表中没有此密钥"];

/** Check a certificate without its bundle: seal and authority by the trust list, the rest is not known. */
export async function verifyCertificate(certificate, session, now) {
  const { record } = certificate;
  const [registers, checkpoint] = session.trusted ?? [null, null];
  const found = [passed(Step.INTEGRITY, "canonical, as it was signed", "规范格式，与签名时一致")];
  if (registers === null) {
    found.push(...openAll([Step.SEAL, Step.KEY, Step.AUTHORITY, ...BY_REGISTERS], NO_TRUST_LIST));
  } else {
    const known = [...registers.keys.values()].find((one) => one.key.didKey === certificate.issuerDid) ?? null;
    found.push(await checkSeal(certificate, known?.key ?? null));
    found.push(...checkIssuerNow(known, record.issuer.id, registers, checkpoint));
    const results = judgeByRegisters(record, buildGrounds(session, registers));
    for (const [step, result] of results) {
      const outcome = result.outcome === PASSED ? PASSED : NOT_CHECKED;
      found.push({ ...fromRule(step, result), outcome });
    }
  }
  found.push(...checkByBook(record, session, registers, registers), statusNotProved());
  const en = "a certificate alone does not show that it was logged";
  found.push(notChecked(Step.INCLUSION, en, "仅凭证书不能证明已载入账本"));
  found.push(await checkOrderOfTimes(certificate, null, session, now, false));
  const [status, note] = [findRecordStatus(record, session, now), describeKind(record)];
  return buildReport(found, status, session.policy, summarise(record), { complete: false, note });
}

/** Check the statement printed in a QR code: signed by whom, and nothing about the present. */
export async function verifyStatementAlone(raw, session, now) {
  const signed = parseSignedStatement(raw);
  const { claims, issuer } = signed.statement;
  if (!(claims instanceof IssueClaims)) {
    refuse("the code holds a statement that is not about a certificate");
  }
  const [registers, checkpoint] = session.trusted ?? [null, null];
  const found = [];
  if (registers === null) {
    found.push(...openAll([Step.STATEMENT, Step.KEY, Step.AUTHORITY], NO_TRUST_LIST));
  } else {
    const known = registers.keys.get(encodeHex(signed.keyId)) ?? null;
    found.push(await checkStatement(signed, known?.key ?? null, session.policy.origin));
    found.push(...checkIssuerNow(known, issuer, registers, checkpoint));
  }
  found.push(statusNotProved());
  const today = localDate(now, session.policy.zone);
  const { conclusion, validityKind, validUntil, kind } = claims;
  const status = findStatus(conclusion, validityKind, validUntil, today, kind);
  const summary = summariseClaims(claims, registers?.institutions.get(issuer)?.name.zh ?? issuer);
  return buildReport(found, status, session.policy, summary, { complete: false, note: UNCHECKED[kind] });
}

const UNCHECKED = {
  [DocumentKind.VERIFICATION]: { en: "signed, status not checked", zh: "签名有效，状态未查" },
  [DocumentKind.CALIBRATION]: {
    en: "a calibration, not a verification; signed, status not checked",
    zh: "校准，不是检定；签名有效，状态未查",
  },
  [DocumentKind.PAPER]: {
    en: "entered from paper, not an electronic certificate; signed, status not checked",
    zh: "据纸质证书登记，不是电子证书；签名有效，状态未查",
  },
};

/** Steps 5 and 6, as of the trust list's checkpoint. */
function checkIssuerNow(known, institution, registers, checkpoint) {
  if (known === null) return openAll([Step.KEY, Step.AUTHORITY], UNKNOWN_KEY);
  const newest = checkpoint.treeSize - 1;
  let key = checkKey(known, institution, newest);
  if (known.owner === institution && !known.isActiveAt(newest)) {
    const en = "the key has ended; whether the document is older does not show here";
    key = notChecked(Step.KEY, en, "密钥已停用；无法由此判断文件是否在停用前签发");
  }
  const state = registers.institutions.get(institution)?.state ?? RegisterState.ACTIVE;
  if (state === RegisterState.ACTIVE) return [key, checkInstitution(registers, institution)];
  const en = `institution ${institution} is ${state} now; whether the document is older does not show here`;
  return [key, notChecked(Step.AUTHORITY, en, `机构${institution}现已暂停或撤销；无法由此判断文件是否在此之前签发`)];
}

function summariseClaims(claims, institution) {
  const { kind, conclusion, serial } = claims;
  const isRejection = kind === DocumentKind.VERIFICATION && conclusion === Conclusion.FAIL;
  const type = Object.keys(DOCUMENT_KINDS).find((name) => DOCUMENT_KINDS[name] === kind);
  return {
    documentType: isRejection ? DocumentType.REJECTION_NOTICE : type,
    number: claims.number,
    institution,
    instrument: null,
    model: null,
    serial: serial.tail === null ? serial.text : `${serial.text}…`,
    maker: null,
    category: nameCategory(claims.category),
    verifiedOn: claims.verifiedOn,
    validUntil: claims.validUntil,
    conclusion: nameConclusion(kind, conclusion),
    enteredOn: null,
  };
}
