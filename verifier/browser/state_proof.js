// What proofs about the ledger's states have in common: verifier/state_proof.py.
import { fromError } from "./checks.js";
import { buildReport, Report } from "./report.js";
import { attempt } from "./session.js";
import { FAILED, notChecked, PASSED, passed, Step } from "./step.js";
import { checkAnchors } from "./verify.js";
import { judgeWitnesses } from "./witnessing.js";

/**
 * Return [the state that a proof is under, null if it does not hold, and steps 1, 13 to 16].
 *
 * The state: `checkpoint`, registers `before` the leaf `index` (null: in all), what is `established`, its `age`.
 */
export async function openState(proof, index, session, now, look = null) {
  const found = [passed(Step.INTEGRITY, "canonical, as it was written", "规范格式，与写出时一致")];
  const [checkpoint, unsigned] = await attempt(() => session.openCheckpoint(proof.checkpoint));
  if (unsigned !== null) return [null, [...found, fromError(Step.CHECKPOINT, unsigned)]];
  const size = checkpoint.treeSize;
  found.push(passed(Step.CHECKPOINT, `${size} leaves, signed by the log`, `共${size}条，账本签名有效`));
  const witnessing = await judgeWitnesses(session, proof.checkpoint, now);
  found.push(witnessing.check, ...(await checkAnchors(proof.receipt, checkpoint, session, look)));
  const [opened, error] = await attempt(() => session.openEvidenceAlone(proof.evidence, checkpoint, index));
  if (error !== null) return [null, [...found, fromError(Step.AUTHORITY, error)]];
  const [before, established] = opened;
  const age = witnessing.judgeAge(proof.receipt?.anchoredAt ?? established.statedAt, now, session.policy);
  return [{ checkpoint, before, established, age }, found];
}

/** Step 19: what the map shows, and how old that is. */
export function judgeShown(en, zh, age) {
  const [inEnglish, inChinese] = [`${en}, ${age.text.en}`, `${zh}，${age.text.zh}`];
  if (!age.isTooOld) return passed(Step.STATUS, inEnglish, inChinese);
  return notChecked(Step.STATUS, `${inEnglish}: older than the policy allows`, `${inChinese}：超过策略允许的时限`);
}

const NEEDED = [Step.CHECKPOINT, Step.AUTHORITY, Step.STATUS];

/** Return the report: INVALID if a step failed, UNKNOWN if one that is needed was not checked, else `verdict`. */
export function reportState(found, verdict, session, note, look, sticker = null) {
  const { policy } = session;
  const report = buildReport(found, null, policy, null, { complete: false });
  if (report.checks.some((check) => check.outcome === FAILED)) return report;
  const needed = [...NEEDED, ...(policy.required.has(Step.QUORUM) ? [Step.QUORUM] : []), ...(look ? [Step.CHAIN] : [])];
  const holds = needed.every((step) => report.outcomeOf(step) === PASSED);
  const authentic = holds && verdict !== "INVALID";
  return new Report({ ...report, verdict: holds ? verdict : "UNKNOWN", authentic, note, sticker });
}
