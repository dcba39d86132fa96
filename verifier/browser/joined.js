// A document's bundle under the newest anchor, and the same document's under the newest checkpoint, as one report.
import { must, toBytes } from "./believed.js";
import { parseBundle } from "./bundle.js";
import { equalBytes } from "./encoding.js";
import { bringUpToDate } from "./shown.js";
import { failed, Step } from "./step.js";
import { verifyBundleAndState } from "./verify.js";

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
  return { found, newest, report, faults, doubts };
}

async function open(text, session, now, look) {
  const bundle = parseBundle(toBytes(text));
  const found = await verifyBundleAndState(bundle, session, now, look);
  return { bundle, size: found.checkpoint?.treeSize ?? -1, ...found };
}

/** The states of the log under which documents are proved, as `compareStates` takes them. */
export const listStates = (documents) =>
  documents.flatMap(({ found, newest }) => [found, newest]).filter((one) => one.checkpoint !== null);
