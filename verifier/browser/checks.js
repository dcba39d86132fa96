// One function a step: what each finds in a bundle, or in less than a bundle: verifier/checks.py.
import { ValidityKind } from "./calendar_rules.js";
import { equalBytes } from "./encoding.js";
import { MapProofError } from "./errors.js";
import { certificateSubject, EventType, instrumentSubject, lotSubject, makerSubject } from "./event.js";
import { buildHeader, equalHeaders, findSubject, judgeEvent } from "./fold.js";
import { spellInstant } from "./freshness.js";
import { hashLeaf, verifyInclusion } from "./merkle.js";
import { isSettled } from "./policy.js";
import { findRelatives, findStatusAgainst } from "./relatives.js";
import { RegisterState } from "./register_fields.js";
import { findHeaviest, STATUS_WORDS } from "./report.js";
import { checkBinding } from "./rules.js";
import { attempt } from "./session.js";
import { verifySignatures } from "./signatories.js";
import { Conclusion, DocumentKind, IssueClaims, verifyStatement } from "./statement.js";
import { equalStates, findIssuedStatus, nameStatus, Status, SubjectState, Void } from "./status.js";
import { failed, notChecked, PASSED, passed, Step } from "./step.js";

/** Return a shared rule's result as a step. */
export function fromRule(step, result) {
  return { step, outcome: result.outcome, reason: result.text, warning: result.warning };
}

/** Return a step that failed because evidence does not hold. */
export function fromError(step, error) {
  return failed(step, error.message, `证据不成立：${error.message}`);
}

/** Step 1: the file is as it was written. */
export function checkIntegrity(bundle) {
  if (!equalBytes(bundle.statedDigest, bundle.computedDigest)) {
    return failed(Step.INTEGRITY, "the file was changed or damaged after it was written", "文件写出后被改动或损坏");
  }
  return passed(Step.INTEGRITY, "the file is undamaged", "文件完好");
}

/** Step 2: certificate, statement and leaf speak of the same thing. */
export function checkBundleBinding(bundle, signed) {
  const { header, certificate } = bundle;
  const isSame = equalBytes(header.statementDigest, signed.digest);
  if (!isSame || !equalBytes(header.certificateDigest, certificate.digest)) {
    return failed(Step.BINDING, "the leaf is about another statement or certificate", "账本条目与声明或证书不对应");
  }
  return fromRule(Step.BINDING, checkBinding(signed.statement, certificate));
}

/** Step 3: one proof of each person who has a key, and one seal, by the key that signed the statement. */
export async function checkSeal(certificate, key) {
  if (key === null) return notChecked(Step.SEAL, "the key is not known", "密钥未知，无法核对");
  const [, error] = await attempt(() => verifySignatures(certificate, key));
  if (error !== null) return fromError(Step.SEAL, error);
  const persons = certificate.proofs.length - 1;
  if (!persons) return passed(Step.SEAL, "the seal's signature holds", "机构印章签名有效");
  const en = `the seal's signature and those of ${persons} persons hold`;
  return passed(Step.SEAL, en, `机构印章签名和${persons}名人员的签名有效`);
}

/** Step 4: the statement is signed for this log. */
export async function checkStatement(signed, key, origin) {
  if (key === null) return notChecked(Step.STATEMENT, "the key is not known", "密钥未知，无法核对");
  const [, error] = await attempt(() => verifyStatement(signed, key, origin));
  if (error !== null) return fromError(Step.STATEMENT, error);
  return passed(Step.STATEMENT, "signed for this ledger", "声明签名有效");
}

/** Step 5: the key is registered for this institution and active there; `endedAt`: what the trust list knows. */
export function checkKey(known, owner, index, endedAt = null) {
  if (known === null) return failed(Step.KEY, "the evidence does not register this key", "证据中没有登记此密钥");
  if (known.owner !== owner) {
    const en = `the key is registered for ${known.owner}, not ${owner}`;
    return failed(Step.KEY, en, `密钥登记于${known.owner}，而非${owner}`);
  }
  if (!known.isActiveAt(index) || (endedAt !== null && index >= endedAt)) {
    return failed(Step.KEY, `the key is not active at leaf ${index}`, `密钥在第${index}条时无效`);
  }
  const en = `registered at leaf ${known.since}, active at leaf ${index}`;
  return passed(Step.KEY, en, `第${known.since}条登记，第${index}条时有效`);
}

/** Step 5, for a key that somebody else may have had: was the document anchored before? */
export async function checkCompromise(bundle, since, checkpoint, judgeReceipt) {
  const candidates = [];
  const { receipt, earlier } = bundle;
  if (receipt !== null) candidates.push([receipt, await judgeReceipt(receipt, checkpoint)]);
  if (earlier !== null) {
    const [, error] = await attempt(() => verifyLeaf(bundle, earlier.inclusion, earlier.receipt));
    if (error !== null) return fromError(Step.KEY, error);
    candidates.push([earlier.receipt, await judgeReceipt(earlier.receipt, earlier.receipt)]);
  }
  const instant = spellInstant(since);
  const before = candidates.find(([one, check]) => check.outcome === PASSED && one.anchoredAt <= since);
  if (before !== undefined) {
    const block = before[0].blockNumber;
    return passed(
      Step.KEY,
      `the key is compromised from ${instant} on; this document was anchored before, in block ${block}`,
      `密钥自${instant}起失密；此文件在此之前已存证于区块${block}`,
    );
  }
  return failed(
    Step.KEY,
    `the key is compromised from ${instant} on, and no anchor from before covers this document`,
    `密钥自${instant}起失密，且没有在此之前的存证覆盖此文件`,
  );
}

/** Check that the bundle's leaf stands in a tree of this size and root. */
function verifyLeaf(bundle, inclusion, { treeSize, rootHash }) {
  verifyInclusion(hashLeaf(bundle.headerRaw, bundle.statementRaw), bundle.leafIndex, treeSize, inclusion, rootHash);
}

/** Step 6: the fold gives this leaf its effect, under authority that leads back to the pinned root. */
export async function checkAuthority(bundle, signed, registers) {
  const { header, leafIndex } = bundle;
  if (header.status === Status.VOID) {
    return failed(Step.AUTHORITY, "the log holds this leaf as void", "账本已记该条目无效力");
  }
  if (!(signed.statement.claims instanceof IssueClaims)) {
    return failed(Step.AUTHORITY, "the statement is not about a certificate", "声明与证书无关");
  }
  const subject = findSubject(signed.statement);
  const view = viewBefore(bundle, signed, subject);
  const outcome = await judgeEvent(signed, leafIndex, header.sequencedAtMs, registers, view, () => subject);
  if (outcome instanceof Void) {
    return failed(Step.AUTHORITY, `the leaf is void: ${outcome.reason}`, `该条目无效力：${outcome.reason}`);
  }
  const isLater = header.prev === null || header.prev < leafIndex;
  if (!isLater || !equalHeaders(buildHeader(signed, outcome, header.sequencedAtMs), header)) {
    return failed(Step.AUTHORITY, "the leaf's header is not what its statement gives", "账本条目首部与声明不符");
  }
  return checkInstitution(registers, signed.statement.issuer);
}

/** Step 6, without a leaf: the institution is registered and active. */
export function checkInstitution(registers, institutionId) {
  const institution = registers.institutions.get(institutionId);
  if (institution === undefined) {
    return failed(Step.AUTHORITY, `institution ${institutionId} is not registered`, `机构${institutionId}未登记`);
  }
  if (institution.state !== RegisterState.ACTIVE) {
    const en = `institution ${institutionId} is ${institution.state}`;
    return failed(Step.AUTHORITY, en, `机构${institutionId}已暂停或撤销`);
  }
  const { en, zh } = institution.name;
  return passed(Step.AUTHORITY, `${en ?? zh} is registered under the pinned root`, `${zh}已在信任根下登记`);
}

/** See the subjects as the statement expects them; that it was so is for the status map to prove. */
function viewBefore(bundle, signed, own) {
  const { issuer, claims, expectedVersion: expected } = signed.statement;
  const document = certificateSubject(issuer, claims.number);
  const prev = bundle.header.prev ?? 2 ** 63;
  const keeps = !claims.isVerification;
  const status = keeps ? readStatus(bundle.header.status) : leftIn(bundle, Status.VALID);
  return (subject) => {
    if (expected === 0 || equalBytes(subject, document)) return null;
    if (!equalBytes(subject, own)) return new SubjectState(Status.VALID, expected, prev, prev);
    return new SubjectState(status, expected, prev, keeps ? null : prev);
  };
}

/** Return the status that a header names; VOID, which no document here has, for a code that is none. */
const readStatus = (code) => (nameStatus(code) === undefined ? Status.VOID : code);

/** Return step 20 as it is if the evidence shows all that was said of the maker; other steps as they are. */
export function confirmBlocks(check, record, established) {
  const { maker } = record.instrument;
  if (check.step !== Step.TYPE || maker === null) return check;
  let state;
  try {
    state = established.proven.find(makerSubject(maker));
  } catch (error) {
    if (!(error instanceof MapProofError)) throw error;
    const en = "the evidence does not show whether this maker is blocked";
    return notChecked(Step.TYPE, en, "证据未表明该制造单位是否被停止检定");
  }
  if ((state !== null) !== established.registers.listBlocks(maker).length > 0) {
    return failed(Step.TYPE, "the evidence leaves out a block of this maker", "证据遗漏了对该制造单位的停止检定");
  }
  return check;
}

/** Step 12: the leaf, recomputed from header and statement, stands in the tree. */
export async function checkInclusion(bundle, checkpoint) {
  const [, error] = await attempt(() => verifyLeaf(bundle, bundle.inclusion, checkpoint));
  if (error !== null) return fromError(Step.INCLUSION, error);
  const [index, size] = [bundle.leafIndex, checkpoint.treeSize];
  return passed(Step.INCLUSION, `leaf ${index} of ${size}`, `账本第${index}条，共${size}条`);
}

/** Step 19: [the step, what the map says beyond the document itself]; MapProofError: it does not show one. */
export function checkStatus(bundle, signed, proven, age) {
  const { issuer, claims, expectedVersion } = signed.statement;
  const index = bundle.leafIndex;
  const refuse = (en, zh) => [failed(Step.STATUS, en, zh), null];
  if (!(claims instanceof IssueClaims)) return refuse("the statement is not about a certificate", "声明与证书无关");
  const document = proven.find(certificateSubject(issuer, claims.number));
  const instrument = proven.find(instrumentSubject(claims.instrumentId, claims.part));
  const lot = claims.lot === null ? null : proven.find(lotSubject(issuer, claims.lot));
  const issued = findIssuedStatus(claims);
  if (document === null || !fitsDocument(document, issued, index)) {
    return refuse("the status map does not know this document", "状态表中没有此证书");
  }
  const left = new SubjectState(leftIn(bundle, issued), expectedVersion + 1, index, index);
  const fits = claims.isVerification
    ? (state) => fitsInstrument(state, document, left)
    : (state) => fitsKept(bundle.header.status, state, left);
  if (instrument === null || !fits(instrument)) {
    return refuse("the status map contradicts this document", "状态表与此证书矛盾");
  }
  if (claims.predecessor !== null) {
    const replaced = proven.find(certificateSubject(issuer, claims.predecessor));
    if (replaced?.status !== Status.SUPERSEDED) {
      const en = `the status map does not say that ${claims.predecessor} was replaced`;
      return refuse(en, `状态表未记载${claims.predecessor}已被替换`);
    }
  }
  if (!claims.isVerification) {
    const stated = findStatedStatus(document, instrument, lot, claims.kind);
    return [sayAge(age, ...describeKept(document, instrument)), stated];
  }
  const parts = bundle.certificate.record.instrument.parts.map((part) => part.id);
  const relatives = findRelatives(claims, parts, proven, instrument);
  const states = relatives.map((each) => each.state);
  const stated = findStatedStatus(document, instrument, lot, claims.kind, states);
  return [sayAge(age, ...describeStates(document, instrument, lot, relatives)), stated];
}

/** Return the status in which a document leaves its instrument; one that replaces another verifies nothing. */
function leftIn({ header }, issued) {
  const waits = header.type === EventType.REPLACE && header.status === Status.NEEDS_REVERIFICATION;
  return waits ? Status.NEEDS_REVERIFICATION : issued;
}

/** Whether a certificate can have this state: by its issue at this index, or by acts since. */
function fitsDocument(document, issued, index) {
  if (document.version === 1) return equalStates(document, new SubjectState(issued, 1, index, index));
  const isPossible = ACTED_ON.has(document.status) || document.status === issued;
  return isPossible && document.currentCertificate === index && index < document.lastEvent;
}

/** Whether an instrument can have this state after the issue that left it in the state `issued`. */
function fitsInstrument(instrument, document, issued) {
  if (instrument.version <= issued.version) return equalStates(instrument, issued);
  const newest = instrument.currentCertificate ?? -1;
  if (newest === issued.lastEvent && issued.lastEvent < instrument.lastEvent) {
    return instrument.status === document.status || instrument.status === Status.NEEDS_REVERIFICATION;
  }
  return issued.lastEvent < newest && newest <= instrument.lastEvent;
}

/** Whether an instrument can have this state after a document that verifies nothing, and left it in `left`. */
function fitsKept(left, instrument, issued) {
  const newest = instrument.currentCertificate ?? -1;
  if (left === Status.REGISTERED && instrument.version === issued.version && newest !== -1) return false;
  if (instrument.version <= issued.version) {
    const had = new SubjectState(readStatus(left), issued.version, issued.lastEvent, instrument.currentCertificate);
    return equalStates(instrument, had) && newest < issued.lastEvent;
  }
  const isLater = newest !== issued.lastEvent && issued.lastEvent < instrument.lastEvent;
  return isLater && newest <= instrument.lastEvent;
}

/** Return what the states say of a document beyond what it says of itself; null: nothing that weighs more. */
export function findStatedStatus(document, instrument, lot, kind, relatives = []) {
  const acted = ACTED_ON.get(document.status) ?? null;
  if (kind !== DocumentKind.VERIFICATION) return acted;
  if (document.status === Status.FAILED) return null;
  const isNewest = instrument.currentCertificate === document.currentCertificate;
  const newer = instrument.status === Status.FAILED ? "FAILED_SINCE" : "SUPERSEDED";
  const needed = instrument.status === Status.NEEDS_REVERIFICATION;
  return findHeaviest(
    acted,
    isNewest ? null : newer,
    needed ? "NEEDS_REVERIFICATION" : null,
    lot === null ? null : SAID_OF_LOTS.get(lot.status) ?? null,
    ...relatives.map((relative) => findStatusAgainst(relative, instrument)),
  );
}

const ACTED_ON = new Map([
  [Status.WITHDRAWN, "WITHDRAWN"],
  [Status.CANCELLED, "CANCELLED"],
  [Status.SUSPENDED, "SUSPENDED"],
  [Status.SUPERSEDED, "SUPERSEDED"],
]);
const SAID_OF_LOTS = new Map([
  [Status.FAILED, "FAILED_SINCE"],
  [Status.WITHDRAWN, "WITHDRAWN"],
  [Status.CANCELLED, "CANCELLED"],
  [Status.SUSPENDED, "SUSPENDED"],
]);

function describeStates(document, instrument, lot, relatives) {
  const newest = instrument.currentCertificate;
  let [en, zh] = [`leaf ${newest} is newer`, `账本第${newest}条更新`];
  if (newest === document.currentCertificate) {
    [en, zh] = ["the newest document of this instrument", "该器具的最新证书"];
  }
  if (ACTED_ON.has(document.status)) {
    const [words, at] = [STATUS_WORDS[ACTED_ON.get(document.status)], document.lastEvent];
    [en, zh] = [`${en}, ${words.en} by leaf ${at}`, `${zh}，账本第${at}条：${words.zh}`];
  }
  if (instrument.status === Status.NEEDS_REVERIFICATION) {
    const words = STATUS_WORDS.NEEDS_REVERIFICATION;
    [en, zh] = [`${en}, which ${words.en}`, `${zh}，${words.zh}`];
  }
  if (lot !== null && SAID_OF_LOTS.has(lot.status)) {
    const [words, at] = [STATUS_WORDS[SAID_OF_LOTS.get(lot.status)], lot.lastEvent];
    [en, zh] = [`${en}; its lot ${words.en} by leaf ${at}`, `${zh}；所属批次由账本第${at}条：${words.zh}`];
  }
  for (const { text } of relatives) [en, zh] = [`${en}; ${text.en}`, `${zh}；${text.zh}`];
  return [en, zh];
}

/** Say how a document that verifies nothing stands, and how its instrument does by its verifications. */
function describeKept(document, instrument) {
  let [en, zh] = ["no verification of this instrument is in the ledger", "账本中没有该器具的检定记录"];
  if (instrument.currentCertificate !== null) {
    const [newest, status] = [instrument.currentCertificate, nameStatus(instrument.status)];
    en = `no verification; the newest of this instrument is leaf ${newest}, status ${status}`;
    zh = `不属于检定；该器具最新检定为账本第${newest}条，状态${status}`;
  }
  if (ACTED_ON.has(document.status)) {
    const [words, at] = [STATUS_WORDS[ACTED_ON.get(document.status)], document.lastEvent];
    [en, zh] = [`${en}; ${words.en} by leaf ${at}`, `${zh}；账本第${at}条：${words.zh}`];
  }
  return [en, zh];
}

function sayAge(age, said, zhSaid) {
  const [en, zh] = [`${said}, ${age.text.en}`, `${zhSaid}，${age.text.zh}`];
  if (!age.isTooOld) return passed(Step.STATUS, en, zh);
  return notChecked(Step.STATUS, `${en}: older than the policy allows`, `${zh}：超过策略允许的时限`);
}

/** Step 15: the log states, signed, where this checkpoint is anchored; `verify` checks its signature. */
export async function checkReceipt(receipt, checkpoint, policy, verify) {
  if (receipt === null) return notChecked(Step.RECEIPT, "not anchored yet", "待存证");
  const isOfThis = receipt.treeSize === checkpoint.treeSize && equalBytes(receipt.rootHash, checkpoint.rootHash);
  if (!isOfThis) {
    return failed(Step.RECEIPT, "the receipt is of another state of the ledger", "回执对应账本的其他状态");
  }
  const [, error] = await attempt(() => verify(receipt));
  return error === null ? checkAnchor(receipt, policy) : fromError(Step.RECEIPT, error);
}

const GRADE_WORDS = { included: "已打包", safe: "较安全", final: "已最终确认" };

/** Compare a receipt that the log has signed with what the policy believes of chains. */
function checkAnchor({ chain, blockNumber, grade }, policy) {
  if (chain.isDevelopment && !policy.development) {
    const en = `chain ${chain.chainId} is a development chain, which this policy does not believe`;
    return failed(Step.RECEIPT, en, `链${chain.chainId}为开发链，本策略不予采信`);
  }
  if (policy.contract === null) return notChecked(Step.RECEIPT, "the policy names no contract", "策略未指定合约");
  if (!chain.equals(policy.contract.chain)) {
    return failed(Step.RECEIPT, "the receipt is of another chain or contract", "回执属于其他链或合约");
  }
  const [en, zh] = [`block ${blockNumber}, ${grade}`, `区块${blockNumber}，${GRADE_WORDS[grade]}`];
  if (!isSettled(policy.contract, grade)) {
    return notChecked(Step.RECEIPT, `${en}: not settled as the policy asks`, `${zh}；尚未达到策略要求的确认程度`);
  }
  return passed(Step.RECEIPT, `${en}; stated by the log, not looked up`, `${zh}；由账本声明，未上链核对`);
}

/** Return what a document says of itself on a day; its last day counts as valid to 24:00. */
export function findStatus(conclusion, validityKind, until, today, document) {
  if (document === DocumentKind.PAPER) return "PAPER";
  const verifies = document === DocumentKind.VERIFICATION;
  if (verifies && conclusion === Conclusion.FAIL) return "FAILED";
  if (until === null || today <= until) return verifies ? "VALID" : "CALIBRATED";
  return validityKind === ValidityKind.DATE ? "EXPIRED" : "SERVICE_LIFE_ENDED";
}
