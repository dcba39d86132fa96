// A document's bundle under the newest anchor, and the same document's under the newest checkpoint, as one report.
import { must, toBytes } from "./believed.js";
import { parseBundle } from "./bundle.js";
import { equalBytes } from "./encoding.js";
import { AS_THEY_ARE, bringUpToDate } from "./shown.js";
import { failed, PASSED, Step } from "./step.js";
import { verifyBundleAndState } from "./verify.js";

const UNWITNESSED = {
  en: "the newest state lacks the signatures of its witnesses, and shows nothing good",
  zh: "最新账本状态缺少见证方签名，不能据以认定证书有效",
};

/** Return {found, newest, report, faults, doubts} of two bundles; `newestText` null: the first is the newest as well. */
export async function openDocument(bundleText, newestText, { session, policy, now, look }) {
  const found = await must("proof", "证明文件", () => open(bundleText, session, now, look));
  const isOne = newestText === null || newestText === bundleText; // the newest anchor is often that of the newest state
  const newest = isOne ? found : await must("newest proof", "最新证明文件", () => open(newestText, session, now, look));
  const [faults, doubts] = [[], []];
  if (!equalBytes(found.bundle.statementRaw, newest.bundle.statementRaw)) {
    faults.push(failed(Step.BINDING, "the newest proof is of another document", "最新证明文件属于另一份证书"));
  }
  if (newest.checkpoint !== null && newest.size < found.size) {
    doubts.push({ en: "an older state of the log was sent as the newest", zh: "收到的“最新”账本状态反而更旧" });
  }
  const counts = newest !== found && (newest.size >= found.size || newest.report.hasFailed);
  const report = counts ? bringUpToDate(found.report, newest.report, policy) : found.report;
  if (found.hasQuorum && !newest.hasQuorum && !AS_THEY_ARE.has(report.status)) doubts.push(UNWITNESSED);
  return { found, newest, report, faults, doubts };
}

async function open(text, session, now, look) {
  const bundle = parseBundle(toBytes(text));
  const found = await verifyBundleAndState(bundle, session, now, look);
  return { bundle, size: found.checkpoint?.treeSize ?? -1, hasQuorum: hasQuorum(found.report, session.policy), ...found };
}

/** Whether the state of a report has the witnesses that the policy asks for; else it is no more than the log's own word. */
export const hasQuorum = (report, { required }) => !required.has(Step.QUORUM) || report.outcomeOf(Step.QUORUM) === PASSED;

/** The states of the log under which documents are proved, as `compareStates` takes them. */
export const listStates = (documents) =>
  documents.flatMap(({ found, newest }) => [found, newest]).filter((one) => one.checkpoint !== null);
