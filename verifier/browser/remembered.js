// What a device has seen before: what an answer must fit to, what is concluded then, and what is kept of it.
import { encodeHex } from "./encoding.js";
import { buildReport, listRequired, Report } from "./report.js";
import { doubtStatus } from "./shown.js";
import { failed, PASSED, Step } from "./step.js";

/** The most leaves of these states; -1: there is none. */
const findLargest = (states) => Math.max(...states.map((one) => one.size), -1);

/**
 * Return [steps that fail, words of doubt]: states {size, checkpoint, established, hasQuorum} of one answer, and what
 * was seen. Where one has its witnesses, only such say how new the answer is: a log that forks signs what it likes.
 */
export function compareStates(states, remembered, now, policy) {
  const [faults, doubts] = [[], []];
  const seen = remembered?.checkpoint ?? null;
  const roots = new Map(seen === null ? [] : [[seen.size, seen.root]]);
  for (const { size, checkpoint } of states) {
    const root = encodeHex(checkpoint.rootHash);
    if ((roots.get(size) ?? root) !== root) {
      const en = `the log has signed two different states of ${size} leaves`;
      faults.push(failed(Step.CHECKPOINT, en, `账本为${size}条签署过两种不同状态`));
    }
    roots.set(size, root);
  }
  const counted = states.some((one) => one.hasQuorum) ? states.filter((one) => one.hasQuorum) : states;
  const size = findLargest(counted);
  if (seen !== null && states.length && size < seen.size) {
    doubts.push({
      en: `the proof is of ${size} leaves; this device has already seen the log with ${seen.size}`,
      zh: `证明文件对应账本${size}条；本机已见过${seen.size}条`,
    });
  }
  const at = remembered?.statusAt ?? null;
  const statedAt = Math.max(...counted.map((one) => one.established?.statedAt ?? -1), -1);
  if (at !== null && size > seen?.size && statedAt >= 0 && statedAt < at) {
    const en = "the log's newest state is dated before one that this device has seen";
    faults.push(failed(Step.TIME, en, "账本最新状态的时间早于本机已见过的状态"));
  }
  if (at !== null && now + policy.clockTolerance < at) {
    doubts.push({ en: "this device's clock is behind what it has already seen", zh: "本机时钟早于已见过的账本时间" });
  }
  return [faults, doubts];
}

/**
 * Return what `checkOnDevice` gives: a report with the steps that fail by what this device knows, and without a good
 * word on the status where that is in doubt.
 *
 * @param choose returns, from the report, which page is shown; `reason` says more where nothing is wrong.
 */
export function conclude(task, { report, faults, doubts, states, choose, reason = null }) {
  const { policy, pin, session, remembered, now } = task;
  const { note, sticker } = report;
  if (faults.length) {
    const known = report.checks.filter((check) => !faults.some((fault) => fault.step === check.step));
    report = buildReport([...known, ...faults], report.status, policy, report.document, { note });
  }
  for (const words of doubts) report = doubtStatus(report, policy, words);
  if (sticker !== null && !report.hasFailed) report = new Report({ ...report, sticker });
  // a policy is pinned by a proof that has all it asks for: one of before the first anchor is about to change
  const required = [...listRequired(policy, report.document)];
  const isWhole = required.every((step) => report.outcomeOf(step) === PASSED);
  const isToKeep = !report.hasFailed && (isWhole || remembered !== null);
  return {
    report,
    shown: choose(report),
    remember: isToKeep ? remember(pin, remembered, states, session, now) : remembered,
    checkedByDevice: true,
    size: findLargest(states),
    reason: faults[0]?.reason ?? doubts[0] ?? reason,
  };
}

/** Return what this device keeps: its pin, and the largest state of the log that has been verified, with its witnesses. */
export function remember(pin, remembered, states, session, now) {
  const kept = { policy: pin, checkpoint: remembered?.checkpoint ?? null, statusAt: remembered?.statusAt ?? null };
  const held = states.filter((one) => one.established !== null && one.hasQuorum);
  const listed = session.policy.required.has(Step.QUORUM) ? null : session.trusted?.[1]; // no witness is asked of a list
  const checkpoints = [listed, ...held.map((one) => one.checkpoint)];
  for (const checkpoint of checkpoints) {
    if (checkpoint && checkpoint.treeSize > (kept.checkpoint?.size ?? -1)) {
      kept.checkpoint = { size: checkpoint.treeSize, root: encodeHex(checkpoint.rootHash) };
    }
  }
  for (const { established } of held) {
    if (established.statedAt <= now) kept.statusAt = Math.max(kept.statusAt ?? 0, established.statedAt);
  }
  return kept;
}
