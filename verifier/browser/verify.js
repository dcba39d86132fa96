// The steps in order; the docstring of verifier/verify.py is their specification.
import {
  checkAuthority,
  checkBundleBinding,
  checkCompromise,
  checkInclusion,
  checkIntegrity,
  checkKey,
  checkReceipt,
  checkSeal,
  checkStatement,
  checkStatus,
  confirmBlocks,
  findStatus,
  fromError,
  fromRule,
} from "./checks.js";
import { nameCategory } from "./category.js";
import { encodeDate, encodeHex, parseInstant } from "./encoding.js";
import { refuse } from "./errors.js";
import { verifySequence } from "./evidence.js";
import { Grounds, judgeByBook, judgeByRegisters } from "./judging.js";
import { openMapProof } from "./map_proof.js";
import { requireOrigin } from "./policy.js";
import { buildReport, findHeaviest } from "./report.js";
import { checkTimes, localDate } from "./rules.js";
import { attempt } from "./session.js";
import { Conclusion, DocumentKind, parseSignedStatement } from "./statement.js";
import { Registers } from "./status.js";
import { notChecked, PASSED, passed, Step } from "./step.js";
import { judgeWitnesses, Witnessing } from "./witnessing.js";

const NO_STATE = ["no signed state to prove it in", "没有可信的账本状态"];
export const BY_REGISTERS = [Step.SCOPE, Step.PERSONS, Step.STANDARDS, Step.TYPE];

export const openAll = (steps, words) => steps.map((step) => notChecked(step, ...words));

/**
 * Check a bundle, offline unless `look`, which returns step 16 for a checkpoint, is given.
 *
 * PolicyMismatchError: it is of another log; InputError: its statement is not one. The report has beside it
 * `seen`: [checkpoint, as of when its state holds by evidence and witnesses], or null where nothing is proved.
 */
export async function verifyBundleAndState(bundle, session, now, look = null) {
  const { policy } = session;
  requireOrigin(policy, bundle.origin);
  const signed = parseSignedStatement(bundle.statementRaw);
  const [checkpoint, checkpointCheck] = await openCheckpoint(bundle.checkpoint, session);
  const [evidence, error] =
    checkpoint === null ? [null, null] : await attempt(() => session.openEvidence(bundle, checkpoint));
  const [registers, established] = evidence ?? [null, null];
  const { record } = bundle.certificate;
  let found = [checkIntegrity(bundle), checkBundleBinding(bundle, signed)];
  found.push(...(await checkByAuthority(bundle, signed, session, registers, error)));
  if (evidence !== null) {
    found = await judgeCompromise(found, bundle, signed, session, checkpoint, established.registers);
  }
  found.push(...checkByRegisters(record, session, registers, established));
  found.push(...checkByBook(record, session, registers, established?.registers ?? null));
  const witnessing =
    checkpoint === null
      ? new Witnessing(notChecked(Step.QUORUM, ...NO_STATE), null)
      : await judgeWitnesses(session, bundle.checkpoint, now);
  found.push(...(await checkLog(bundle, session, checkpoint, look)), checkpointCheck, witnessing.check);
  found.push(await checkOrderOfTimes(bundle.certificate, bundle, session, now, registers !== null));
  const [newest, stated] = await checkNewest(bundle, signed, session, now, established, witnessing);
  found.push(newest);
  const askedFor = look === null ? [] : [Step.CHAIN];
  const status = findHeaviest(stated, findRecordStatus(record, session, now));
  const note = joinNotes(describeKind(record), comparePolicies(established?.registers ?? null, policy));
  const report = buildReport(found, status, policy, summarise(record), { askedFor, note });
  return { report, checkpoint, established };
}

/** As `verifyBundleAndState`: the report alone. */
export async function verifyBundle(bundle, session, now, look = null) {
  return (await verifyBundleAndState(bundle, session, now, look)).report;
}

/** Say what a document is that verifies nothing, since whoever sees it may take it for a verification. */
export function describeKind(record) {
  if (record.paper !== null) {
    const day = encodeDate(record.paper.enteredOn);
    return {
      en: `from paper, entered on ${day}; not an electronic certificate`,
      zh: `据纸质证书登记，登记日期${day}；不是电子证书`,
    };
  }
  if (record.documentKind !== DocumentKind.CALIBRATION) return null;
  return {
    en: "a calibration certificate; the instrument is not verified by it",
    zh: "校准证书；不证明该器具经检定",
  };
}

function joinNotes(...notes) {
  const said = notes.filter((note) => note !== null);
  if (!said.length) return null;
  return { en: said.map((note) => note.en).join("; "), zh: said.map((note) => note.zh).join("；") };
}

/** Say that the root has published a newer policy than the verifier's own; what rules is its own. */
function comparePolicies(registers, { version }) {
  const newest = registers?.policyVersion ?? 0;
  if (newest <= version) return null;
  return {
    en: `the root has published version ${newest} of the policy; this check was made by version ${version}`,
    zh: `信任根已发布第${newest}版策略；本次核验依据第${version}版`,
  };
}

// --- parts of a bundle ---

async function openCheckpoint(note, session) {
  const [checkpoint, error] = await attempt(() => session.openCheckpoint(note));
  if (error !== null) return [null, fromError(Step.CHECKPOINT, error)];
  const size = checkpoint.treeSize;
  return [checkpoint, passed(Step.CHECKPOINT, `${size} leaves, signed by the log`, `共${size}条，账本签名有效`)];
}

/** Steps 3 to 6. */
async function checkByAuthority(bundle, signed, session, registers, error) {
  const known = registers?.keys.get(encodeHex(signed.keyId)) ?? null;
  const key = known?.key ?? null;
  const found = [await checkSeal(bundle.certificate, key), await checkStatement(signed, key, bundle.origin)];
  if (registers !== null) {
    const endedAt = session.findEndOfKey(signed.keyId);
    found.push(checkKey(known, signed.statement.issuer, bundle.leafIndex, endedAt));
    found.push(await checkAuthority(bundle, signed, registers));
  } else if (error !== null) {
    found.push(notChecked(Step.KEY, "the authority evidence does not hold", "授权证据不成立"));
    found.push(fromError(Step.AUTHORITY, error));
  } else {
    found.push(...openAll([Step.KEY, Step.AUTHORITY], NO_STATE));
  }
  return found;
}

/** Return the steps with step 5 as it stands after what has become known of the key since. */
async function judgeCompromise(found, bundle, signed, session, checkpoint, newest) {
  const since = session.findCompromise(signed.keyId, newest);
  if (since === null) return found;
  const judge = (receipt, state) => checkReceipt(receipt, state, session.policy, (one) => session.verifyReceipt(one));
  const after = await checkCompromise(bundle, since, checkpoint, judge);
  return found.map((check) => (check.step === Step.KEY && check.outcome === PASSED ? after : check));
}

/** Step 19; the witnesses say how old the state is, the log, by its receipt or clock, only without them. */
async function checkNewest(bundle, signed, session, now, established, witnessing) {
  if (established === null) return [statusNotProved(), null];
  const age = witnessing.judgeAge(bundle.receipt?.anchoredAt ?? established.statedAt, now, session.policy);
  const [result, error] = await attempt(() =>
    checkStatus(bundle, signed, openMapProof(bundle.mapProof, established.mapRoot), age),
  );
  return error === null ? result : [fromError(Step.STATUS, error), null];
}

export function buildGrounds(session, registers, newest = null) {
  const { traceabilityRoots, publishedRules } = session.policy;
  return new Grounds(registers, session.ruleBook, traceabilityRoots, newest, publishedRules);
}

/** Steps 7, 8, 10 and 20, by what was registered when the document came into the log. */
function checkByRegisters(record, session, registers, established) {
  if (registers === null) return openAll(BY_REGISTERS, ["the registers are not known", "登记信息未知"]);
  const results = judgeByRegisters(record, buildGrounds(session, registers, established.registers));
  return [...results].map(([step, result]) => confirmBlocks(fromRule(step, result), record, established));
}

/** Steps 12, 15 and 16. */
async function checkLog(bundle, session, checkpoint, look) {
  if (checkpoint === null) return openAll([Step.INCLUSION, Step.RECEIPT, Step.CHAIN], NO_STATE);
  return [await checkInclusion(bundle, checkpoint), ...(await checkAnchors(bundle.receipt, checkpoint, session, look))];
}

/** Steps 15 and 16. */
export async function checkAnchors(receipt, checkpoint, session, look) {
  const verify = (one) => session.verifyReceipt(one);
  return [
    await checkReceipt(receipt, checkpoint, session.policy, verify),
    look === null ? notChecked(Step.CHAIN, "not looked up", "未上链核对") : await look(checkpoint),
  ];
}

// --- what the document itself shows ---

/** Steps 9, 11 and 18. */
export function checkByBook(record, session, registers, newest) {
  const { book } = buildGrounds(session, registers ?? new Registers(), newest);
  return [...judgeByBook(record, book)].map(([step, result]) => fromRule(step, result));
}

/** Step 17; `inEvidence`: the bundle's evidence holds, so that its times count too. */
export async function checkOrderOfTimes(certificate, bundle, session, now, inEvidence) {
  const [sealedAt, error] = await attempt(() => {
    const at = readSealingTime(certificate);
    if (inEvidence) verifySequence(bundle.evidence, bundle.leafIndex, bundle.header.sequencedAtMs);
    return at;
  });
  if (error !== null) return fromError(Step.TIME, error);
  const { zone, clockTolerance, lagWarning } = session.policy;
  const clocks = {
    sealedAt,
    sequencedAt: bundle?.header.sequencedAtMs ?? null,
    anchoredAt: bundle?.receipt?.anchoredAt ?? null,
    now,
  };
  return fromRule(Step.TIME, checkTimes(certificate.record, clocks, zone, clockTolerance, lagWarning));
}

/** Return the seal's own time, which step 3 shows to be signed. */
function readSealingTime(certificate) {
  const { created } = certificate.proofs.at(-1);
  return typeof created === "string" ? parseInstant(created) : refuse("no seal with a time", "proof.created");
}

export function findRecordStatus(record, session, now) {
  const { kind, until } = record.validity;
  return findStatus(record.conclusion, kind, until, localDate(now, session.policy.zone), record.documentKind);
}

export function statusNotProved() {
  return notChecked(Step.STATUS, "the newest status is not proved here", "此处未证明最新状态");
}

// --- for people ---

/** Return what a person compares with the nameplate. */
export function summarise(record) {
  const { instrument, documentKind, conclusion } = record;
  return {
    documentType: record.documentType,
    number: record.number,
    institution: record.issuer.name,
    instrument: instrument.name,
    model: instrument.model,
    serial: instrument.serial,
    maker: instrument.maker,
    category: nameCategory(instrument.category),
    verifiedOn: record.verifiedOn,
    validUntil: record.validity.until,
    conclusion: nameConclusion(documentKind, conclusion),
    enteredOn: record.paper?.enteredOn ?? null,
  };
}

/** Return the conclusion of a document that verifies nothing, null where its type says it. */
export function nameConclusion(kind, conclusion) {
  const isSaid = kind === DocumentKind.VERIFICATION || conclusion === null;
  return isSaid ? null : Object.keys(Conclusion).find((name) => Conclusion[name] === conclusion).toLowerCase();
}
