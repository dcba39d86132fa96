// What a sticker's proof shows: verifier/sticker_proof.py, whose file is read in sticker_proof.js.
import { checkCompromise, checkInclusion, checkKey, checkReceipt, checkStatement, fromError } from "./checks.js";
import { encodeHex, encodeInstant } from "./encoding.js";
import { VerificationError } from "./errors.js";
import { verifySequence } from "./evidence.js";
import { spellInstant } from "./freshness.js";
import { requireOrigin } from "./policy.js";
import { attempt } from "./session.js";
import { judgeShown, openState, reportState } from "./state_proof.js";
import { parseSignedStatement } from "./statement.js";
import { nameStatus, Status } from "./status.js";
import { failed, PASSED, passed, Step } from "./step.js";
import { findNumber, findRoll } from "./sticker.js";
import { showSticker, StickerStanding } from "./sticker_proof.js";

const words = (en, zh) => Object.freeze({ en, zh });
export const REASON_WORDS = {
  VERIFICATION_FAILED: words("the instrument failed", "检定不合格"),
  REPLACED: words("another one was put on", "已换贴新标志"),
  DAMAGED: words("damaged", "标志损坏"),
  LOST: words("lost", "标志遗失"),
  WRONG_INSTRUMENT: words("it was on the wrong instrument", "贴错器具"),
  TYPO: words("a slip of the pen", "录入有误"),
  INSTRUMENT_SCRAPPED: words("the instrument was scrapped", "器具已报废"),
  COPIED: words("seen in two places, perhaps copied", "疑似被复制"),
  COURT_OR_AUTHORITY_ORDER: words("by order of an authority", "依行政或司法决定"),
};
export const MADE_UP_WORDS = {
  NO_ROLL: words("the ledger has no roll of this name", "账本中没有该卷号"),
  NO_NUMBER: words("the roll has no such number", "该卷没有此序号"),
  WRONG_TAG: words("its tag is not that of the roll", "防伪位与该卷不符"),
};
const AGAINST = new Set([Status.FAILED, Status.CANCELLED, Status.WITHDRAWN]);
const RELIED_ON = new Set([StickerStanding.UNUSED, StickerStanding.BOUND]);

/**
 * Check a sticker's proof, offline unless `look` is given: {report, shown, opened}, `shown` null if it does not hold.
 *
 * PolicyMismatchError: it is of another log; InputError: the statement of its event is not one. `opened` is the state
 * that it is under, null where nothing is proved.
 */
export async function verifyStickerProof(proof, session, now, look = null) {
  requireOrigin(session.policy, proof.origin);
  const { event } = proof;
  const [opened, found] = await openState(proof, event?.leafIndex ?? null, session, now, look);
  const give = (report, shown) => ({ report, shown, opened });
  if (opened === null) return give(reportState(found, "INVALID", session, null, look), null);
  if (event !== null) found.push(...(await checkEvent(proof, event, opened, session)));
  const { registers } = opened.established;
  const [shown, error] = await attempt(() => {
    const one = showSticker(proof, opened.established, opened.before);
    refuseStrangers(registers, one);
    return one;
  });
  if (error !== null) {
    found.push(fromError(Step.STATUS, error));
    return give(reportState(found, "INVALID", session, null, look), null);
  }
  const note = describeSticker(shown, registers);
  found.push(checkId(shown), checkAllotment(shown, registers), judgeShown(note.en, note.zh, opened.age));
  const report = reportState(found, judge(shown), session, note, look, summariseSticker(shown, registers));
  return give(report, report.hasFailed ? null : shown);
}

/** Return what a proof shows, for programs. */
function summariseSticker(shown, registers) {
  const { sticker, binding, roll } = shown;
  const isGivenOut = roll !== null && shown.madeUp === null;
  return {
    id: sticker,
    standing: shown.standing,
    roll: findRoll(sticker),
    number: findNumber(sticker),
    institution: isGivenOut ? nameOwner(roll.institution, registers).zh : null,
    instrument: binding === null ? null : encodeHex(binding.instrumentId),
    part: binding === null ? null : binding.part,
    since: shown.since === null ? null : encodeInstant(shown.since),
    reason: shown.reason,
    leaf: shown.event,
    newestDocument: shown.instrument === null ? null : shown.instrument.currentCertificate,
  };
}

// --- steps ---

/** Steps 4, 5, 12 and 17: the event is in the log, in order, by a key that counts there. */
async function checkEvent(proof, event, opened, session) {
  const logged = { ...event, receipt: proof.receipt };
  const { checkpoint, before, established } = opened;
  const signed = parseSignedStatement(event.statementRaw);
  const known = before.keys.get(encodeHex(signed.keyId)) ?? null;
  const endedAt = session.findEndOfKey(signed.keyId);
  let key = checkKey(known, signed.statement.issuer, event.leafIndex, endedAt);
  const since = session.findCompromise(signed.keyId, established.registers);
  if (since !== null && key.outcome === PASSED) {
    const verify = (one) => session.verifyReceipt(one);
    const judgeReceipt = (receipt, state) => checkReceipt(receipt, state, session.policy, verify);
    key = await checkCompromise(logged, since, checkpoint, judgeReceipt);
  }
  const statement = await checkStatement(signed, known?.key ?? null, proof.origin);
  return [statement, key, await checkInclusion(logged, checkpoint), await checkOrder(proof, event)];
}

async function checkOrder({ evidence }, { leafIndex, header }) {
  const [, error] = await attempt(() => verifySequence(evidence, leafIndex, header.sequencedAtMs));
  if (error !== null) return fromError(Step.TIME, error);
  return passed(Step.TIME, "between the times of its neighbours", "与前后记录的时间顺序一致");
}

function refuseStrangers({ institutions }, { roll }) {
  const [stranger] = [...institutions.keys()].filter((id) => id !== roll?.institution).sort();
  if (stranger !== undefined) {
    throw new VerificationError(`the authority evidence is about other institutions too: ${stranger}`);
  }
}

/** Step 2: whether the roll has given this id out. */
function checkId({ sticker, madeUp }) {
  if (madeUp !== null) {
    const { en, zh } = MADE_UP_WORDS[madeUp];
    return passed(Step.BINDING, `never given out: ${en}`, `从未发放：${zh}`);
  }
  const [roll, number] = [findRoll(sticker), findNumber(sticker)];
  return passed(Step.BINDING, `number ${number} of roll ${roll}`, `卷${roll}第${number}号`);
}

/** Step 6: whose roll it is, under the pinned root. */
function checkAllotment({ roll }, registers) {
  if (roll === null) return passed(Step.AUTHORITY, "the registers lead to the pinned root", "登记信息可追溯至信任根");
  const { institution } = roll;
  if (!registers.institutions.has(institution)) {
    return failed(Step.AUTHORITY, `institution ${institution} is not registered`, `机构${institution}未登记`);
  }
  const { en, zh } = nameOwner(institution, registers);
  return passed(
    Step.AUTHORITY,
    `allotted to ${en}, registered under the pinned root`,
    `发放给${zh}，已在信任根下登记`,
  );
}

function judge({ standing, instrument, whole }) {
  const hasFailed = [instrument, whole].some((state) => state !== null && AGAINST.has(state.status));
  return RELIED_ON.has(standing) && !hasFailed ? "UNKNOWN" : "INVALID";
}

// --- words ---

/** An id as people read it, four symbols a group. */
const formatCode = (code) => code.match(/.{4}/g).join("-");

/** Say what a proof shows, in one sentence. */
function describeSticker(shown, registers) {
  const { standing, binding, madeUp, roll } = shown;
  const code = formatCode(shown.sticker);
  if (madeUp !== null) {
    const { en, zh } = MADE_UP_WORDS[madeUp];
    return words(`sticker ${code} was never given out: ${en}`, `贴纸${code}从未发放：${zh}`);
  }
  if (binding === null) {
    const whom = nameOwner(roll.institution, registers);
    return words(
      `sticker ${code} was given out to ${whom.en}, and is not in use`,
      `贴纸${code}已发放给${whom.zh}，尚未启用`,
    );
  }
  const [place, day, by] = [describePlace(binding), spellInstant(shown.since), nameOwner(shown.speaker, registers)];
  if (standing === StickerStanding.RELEASED) {
    const why = REASON_WORDS[shown.reason];
    return words(
      `sticker ${code} was taken off ${place.en} by ${by.en} (${why.en}), in the log since ${day}`,
      `贴纸${code}已由${by.zh}从${place.zh}收回（${why.zh}），入账时间${day}`,
    );
  }
  if (standing === StickerStanding.REPLACED) {
    return words(
      `sticker ${code} stood on ${place.en}, where another one has taken its place`,
      `贴纸${code}曾贴于${place.zh}，该处已换贴其他标志`,
    );
  }
  const newest = describeInstrument(shown.instrument);
  return words(
    `sticker ${code} stands on ${place.en}, by ${by.en}, in the log since ${day}; ${newest.en}`,
    `贴纸${code}由${by.zh}贴于${place.zh}，入账时间${day}；${newest.zh}`,
  );
}

function describePlace({ instrumentId, part }) {
  const name = encodeHex(instrumentId);
  if (part === null) return words(`instrument ${name}`, `器具${name}`);
  return words(`part ${part} of instrument ${name}`, `器具${name}的部件${part}`);
}

function describeInstrument(state) {
  const newest = state?.currentCertificate ?? null;
  if (newest === null) return words("no verification of that is in the ledger yet", "账本中尚无其检定记录");
  const status = nameStatus(state.status);
  return words(`its newest document is leaf ${newest}, status ${status}`, `其最新证书为账本第${newest}条，状态${status}`);
}

/** How an institution, or an authority, is called. */
function nameOwner(owner, registers) {
  const known = registers.institutions.get(owner) ?? registers.authorities.get(owner);
  return known ? words(known.name.en ?? known.name.zh, known.name.zh) : words(owner, owner);
}
