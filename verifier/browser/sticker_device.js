// What a device says of a sticker, and of what the ledger lacks: api/things.py, from the proofs alone. device.js loads
// this module, and those that only it needs, when it is asked for such a thing.
import { Absence, MissingCertificate, parseAbsenceProof, verifyAbsenceProof } from "./absence_proof.js";
import { must, requirePublished, toBytes } from "./believed.js";
import { encodeHex } from "./encoding.js";
import { InputError } from "./errors.js";
import { hasQuorum } from "./joined.js";
import { parseDigits } from "./qr.js";
import { compareStates, conclude } from "./remembered.js";
import { AS_THEY_ARE } from "./shown.js";
import { parseSignedStatement } from "./statement.js";
import { Status } from "./status.js";
import { failed, PASSED, Step } from "./step.js";
import { parseStickerId } from "./sticker.js";
import { followInstrument, followSticker } from "./sticker_documents.js";
import { parseStickerProof } from "./sticker_proof.js";
import { verifyStickerProof } from "./sticker_verdict.js";

/** What a person may rely on, and only a witnessed state can show. */
const NEED_WITNESSES = new Set(["VALID", "ATTENTION", "CALIBRATED", "PAPER"]);

const STANDINGS = {
  NEVER_GIVEN_OUT: "NEVER_GIVEN_OUT",
  UNUSED: "STICKER_UNUSED",
  REPLACED: "STICKER_REPLACED",
  RELEASED: "STICKER_RELEASED",
};

/** As `checkOnDevice`, of a sticker, or of a proof that the ledger lacks something; `task` has policy, pin and session too. */
export function checkThing(task) {
  return task.expected?.sticker === undefined ? checkAbsence(task) : checkSticker(task);
}

// --- stickers ---

async function checkSticker(task) {
  const proof = await must("proof of the sticker", "贴纸证明文件", () => parseStickerProof(toBytes(task.proofText ?? "")));
  const { session, now, look } = task;
  const judged = await must("proof of the sticker", "贴纸证明文件", () => verifyStickerProof(proof, session, now, look));
  requirePublished(task, proof.evidence, judged.opened?.established ?? null);
  const { shown } = judged;
  const said = shown?.standing === "BOUND" ? await followSticker(shown, judged, task) : sayStanding(shown);
  const faults = isSticker(task.expected.sticker, proof.sticker)
    ? []
    : [failed(Step.BINDING, "the proof is of another sticker than the one that was scanned", "证明文件属于另一枚贴纸，而非所扫的贴纸")];
  const { isOutOfStep, isSentUsed } = said;
  return { ...closeThing(task, judged, { ...said, faults: [...faults, ...said.faults] }), isOutOfStep, isSentUsed };
}

/** Whether an id that was printed or typed is this one; what cannot be read is none. */
function isSticker(text, sticker) {
  try {
    return parseStickerId(text) === sticker;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** What is shown of a sticker that stands nowhere; null: its proof does not hold. */
function sayStanding(shown) {
  const page = shown === null ? "TAMPERED" : STANDINGS[shown.standing];
  return { report: null, page, faults: [], doubts: [], states: [], isOutOfStep: false, isSentUsed: false };
}

// --- instruments with parts ---

/** As `checkOnDevice`, of an instrument whose parts may have documents of their own; `sent` is the one that was sent. */
export async function checkInstrument(task, sent) {
  const { policy, remembered, now } = task;
  const said = await followInstrument(sent, task);
  if (said === null) return null;
  const [faults, doubts] = compareStates(said.states, remembered, now, policy);
  const all = { faults: [...said.faults, ...faults], doubts: [...said.doubts, ...doubts] };
  const isOpen = all.doubts.length > 0 && !AS_THEY_ARE.has(said.page);
  const choose = (report) => (report.hasFailed ? "TAMPERED" : isOpen ? "CANNOT_CHECK" : said.page);
  const found = conclude(task, { ...all, report: said.report ?? sent.report, states: said.states, choose });
  return { ...found, isOutOfStep: said.isOutOfStep, isSentUsed: said.isSentUsed };
}

// --- what the ledger lacks ---

async function checkAbsence(task) {
  const proof = await must("proof", "证明文件", () => parseAbsenceProof(toBytes(task.proofText)));
  const { session, now, look } = task;
  const judged = await must("proof", "证明文件", () => verifyAbsenceProof(proof, session, now, look));
  requirePublished(task, proof.evidence, judged.opened?.established ?? null);
  const isCertificate = proof.missing instanceof MissingCertificate;
  const said = isCertificate ? await sayCertificate(proof, judged, task) : sayInstrument(proof, judged, task);
  return closeThing(task, judged, { report: null, doubts: [], states: [], ...said });
}

const OTHER_THING = ["the proof of absence is of something else than was asked for", "该缺失证明与所查询的内容无关"];

/** Digits name a certificate that the ledger lacks: whether somebody here has signed them all the same, the trust list says. */
async function sayCertificate({ missing }, { absence, opened }, { expected, session, now }) {
  const statement = readDigits(expected);
  const isAsked = statement?.issuer === missing.issuer && statement.claims.number === missing.number;
  const faults = isAsked ? [] : [failed(Step.BINDING, ...OTHER_THING)];
  if (absence === null || !isAsked) return { page: "TAMPERED", faults };
  const size = session.trusted?.[1].treeSize ?? -1;
  if (size < opened.checkpoint.treeSize) {
    const en = "no trust list of this state is at hand: whether an institution has signed this code is not known";
    return { page: "CANNOT_CHECK", faults, doubts: [{ en, zh: "手头没有与此状态相应的信任列表：无法判断该码是否由机构签署" }] };
  }
  if (!session.trusted[0].institutions.has(missing.issuer)) return { page: "NEVER_GIVEN_OUT", faults };
  const { verifyStatementAlone } = await import("./alone.js");
  const alone = await verifyStatementAlone(parseDigits(expected.digits), session, now);
  if (alone.hasFailed) return { report: alone, page: "TAMPERED", faults };
  return alone.authentic ? { report: alone, page: "NOT_LOGGED", faults } : { page: "NEVER_GIVEN_OUT", faults };
}

/** The statement about a certificate that digits carry; null: none. */
function readDigits(expected) {
  if (expected?.digits === undefined) return null;
  try {
    const { statement } = parseSignedStatement(parseDigits(expected.digits));
    return statement.claims.number === undefined ? null : statement;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** An instrument, or a part of one, that nothing verifies. */
function sayInstrument({ missing }, { absence, state }, { expected }) {
  const isAsked =
    encodeHex(missing.instrumentId) === expected?.instrument && missing.part === (expected.part ?? null);
  const faults = isAsked ? [] : [failed(Step.BINDING, ...OTHER_THING)];
  if (absence === null || !isAsked) return { page: "TAMPERED", faults };
  const isNeeded = absence === Absence.NO_VERIFICATION && state?.status === Status.NEEDS_REVERIFICATION;
  return { page: isNeeded ? "NEEDS_REVERIFICATION" : "NOT_VERIFIED", faults };
}

// --- both ---

/** Conclude from a thing's own proof, and from what was found of its documents: the page that the device would show. */
function closeThing(task, { report: own, opened }, said) {
  const { policy, remembered, now } = task;
  const state = opened === null ? [] : [{ ...opened, size: opened.checkpoint.treeSize, hasQuorum: hasQuorum(own, policy) }];
  const states = [...state, ...said.states];
  const [faults, doubts] = compareStates(states, remembered, now, policy);
  const all = { faults: [...said.faults, ...faults], doubts: [...said.doubts, ...doubts] };
  if (own.hasFailed) return conclude(task, { ...all, report: own, states, choose: () => "TAMPERED" });
  const status = own.checks.find((check) => check.step === Step.STATUS);
  if (status.outcome !== PASSED && !AS_THEY_ARE.has(said.page)) all.doubts.push(status.reason);
  const unwitnessed = sayUnwitnessed(own, policy);
  if (unwitnessed !== null && NEED_WITNESSES.has(said.page)) all.doubts.push(unwitnessed);
  const isOpen = all.doubts.length > 0;
  return conclude(task, {
    ...all,
    report: said.report ?? own,
    states,
    choose: (report) => (report.hasFailed ? "TAMPERED" : isOpen ? "CANNOT_CHECK" : said.page),
    reason: unwitnessed,
  });
}

/** Say so where the state lacks the witnesses that the policy asks for: they may be on their way. */
function sayUnwitnessed(report, policy) {
  return hasQuorum(report, policy) ? null : report.checks.find((check) => check.step === Step.QUORUM).reason;
}
