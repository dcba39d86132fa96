// The one verdict that people read, and reports of two states of the log joined: api/verdicts.py.
import { buildReport, listRequired } from "./report.js";
import { FAILED, NOT_CHECKED, notChecked, PASSED, Step } from "./step.js";

/** What is shown however old the state is: the harder fact comes first. */
export const AS_THEY_ARE = new Set(
  "WITHDRAWN CANCELLED FAILED FAILED_SINCE SUSPENDED NEEDS_REVERIFICATION EXPIRED SUPERSEDED".split(" "),
);
/** What may be out of date where others hold more of the log. */
export const GOOD = new Set("VALID PENDING ATTENTION CALIBRATED PAPER CONTENT_WITHHELD".split(" "));

/** Return what an anchored bundle proves, with the document's status as of the newest checkpoint. */
export function bringUpToDate(anchored, newest, policy) {
  const keepsAge = anchored.status === newest.status && isOnlyUnwitnessed(anchored, newest);
  const checks = anchored.checks.map((then, at) => {
    const now = newest.checks[at];
    return now.outcome === FAILED || (now.step === Step.STATUS && !keepsAge) ? now : then;
  });
  return buildReport(checks, newest.status, policy, anchored.document, { note: anchored.note });
}

/** Whether the newest status lacks nothing but the witnesses that the anchored one has. */
function isOnlyUnwitnessed(anchored, newest) {
  const lacks = (step) => anchored.outcomeOf(step) === PASSED && newest.outcomeOf(step) === NOT_CHECKED;
  return lacks(Step.QUORUM) && lacks(Step.STATUS);
}

/** Return a report without a good word on the status, for the reason given. */
export function doubtStatus(report, policy, { en, zh }) {
  const doubt = (check) =>
    check.step === Step.STATUS && check.outcome === PASSED ? notChecked(Step.STATUS, en, zh) : check;
  const options = { note: report.note, askedFor: [Step.STATUS] };
  return buildReport(report.checks.map(doubt), report.status, policy, report.document, options);
}

/** Return the one verdict that people read, by severity; the harder fact comes first. */
export function chooseShown(report, policy) {
  const { status } = report;
  const required = listRequired(policy, report.document);
  const missing = [...required].filter((step) => report.outcomeOf(step) !== PASSED);
  if (report.hasFailed) return "TAMPERED";
  if (status === "SERVICE_LIFE_ENDED") return "EXPIRED";
  if (AS_THEY_ARE.has(status)) return status;
  const isOnItsWay = (step) => step === Step.RECEIPT || (step === Step.QUORUM && policy.witnesses !== null);
  if (status === null || !missing.every(isOnItsWay)) return "CANNOT_CHECK";
  if (status === "CALIBRATED" || status === "PAPER") return status;
  if (missing.length) return "PENDING";
  return report.verdict === "VALID" ? "VALID" : "ATTENTION";
}
