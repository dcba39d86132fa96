// Every step with its outcome, and the verdict that follows from them: verifier/report.py.
import { encodeDate } from "./encoding.js";
import { DocumentType } from "./record.js";
import { FAILED, NOT_CHECKED, notChecked, PASSED, Step, STEPS } from "./step.js";

/** How a document stands, in words; the lightest first, so that the last of several counts. */
export const STATUS_WORDS = {
  VALID: { en: "in its period of validity", zh: "在有效期内" },
  CALIBRATED: { en: "calibrated, not verified", zh: "校准结果，不是检定" },
  EXPIRED: { en: "expired", zh: "已过有效期" },
  SERVICE_LIFE_ENDED: { en: "end of service life reached", zh: "已到使用期限" },
  PAPER: { en: "entered from paper, not an electronic certificate", zh: "据纸质证书登记，不是电子证书" },
  SUPERSEDED: { en: "a newer certificate exists", zh: "已有新证书" },
  NEEDS_REVERIFICATION: { en: "must be verified again", zh: "须重新检定" },
  SUSPENDED: { en: "suspended, under investigation", zh: "已暂停使用/调查中" },
  FAILED_SINCE: { en: "failed a later verification", zh: "其后检定不合格" },
  FAILED: { en: "failed verification", zh: "检定不合格" },
  CANCELLED: { en: "cancelled", zh: "已注销" },
  WITHDRAWN: { en: "withdrawn", zh: "已撤回" },
};
const STATUS_NAMES = Object.keys(STATUS_WORDS);
const INVALID = new Set(["WITHDRAWN", "CANCELLED", "FAILED", "FAILED_SINCE"]);

/** Steps that nobody can take for a paper certificate: they are never required of its entry. */
const PAPER_STEPS = [Step.SCOPE, Step.PERSONS, Step.REGULATION, Step.STANDARDS, Step.LIMITS, Step.EXPIRY, Step.TYPE];

/** Outcome of one verification. */
export class Report {
  constructor(members) {
    Object.assign(this, members);
    Object.freeze(this);
  }

  /** What the command would exit with: 0 in order, 1 do not rely on it, 3 cannot be confirmed. */
  get exitCode() {
    if (this.verdict === "UNKNOWN") return 3;
    const isInOrder = this.status === "VALID" || this.status === "CALIBRATED";
    return this.verdict === "INVALID" || !isInOrder ? 1 : 0;
  }

  /** Return the outcome of a step. */
  outcomeOf(step) {
    return this.checks.find((check) => check.step === step).outcome;
  }

  /** Whether some step failed. */
  get hasFailed() {
    return this.checks.some((check) => check.outcome === FAILED);
  }
}

/** Return the steps that a policy requires of such a document, as a set. */
export function listRequired(policy, document) {
  const isPaper = document?.documentType === DocumentType.PAPER_REGISTER;
  const required = [...policy.required].filter((step) => !isPaper || !PAPER_STEPS.includes(step));
  return new Set(policy.maxStatusAge === null ? required : [...required, Step.STATUS]);
}

/** Return the status that counts where several apply; null where there is none. */
export function findHeaviest(...statuses) {
  const weight = Math.max(...statuses.map((status) => STATUS_NAMES.indexOf(status)), -1);
  return STATUS_NAMES[weight] ?? null;
}

/** Return the report that follows from the steps; it names all of them, those not given as NOT_CHECKED. */
export function buildReport(checks, status, policy, document, { complete = true, askedFor = [], note = null } = {}) {
  const found = new Map(checks.map((check) => [check.step, check]));
  const every = STEPS.map(
    (step) => found.get(step) ?? notChecked(step, "nothing at hand to check it with", "手头没有可供核对的内容"),
  );
  const outcomes = new Map(every.map((check) => [check.step, check.outcome]));
  const authentic = isAuthentic(outcomes);
  const required = [...listRequired(policy, document), ...askedFor];
  const warned = every.some((check) => check.warning);
  return new Report({
    verdict: findVerdict(outcomes, authentic && complete ? status : null, required, warned),
    authentic,
    status: authentic ? status : null,
    development: policy.development,
    checks: Object.freeze(every),
    document: authentic ? document : null,
    note: authentic ? note : null,
    sticker: null,
  });
}

/** Whether the evidence holds: nothing failed, and a key with authority has signed. */
function isAuthentic(outcomes) {
  if ([...outcomes.values()].includes(FAILED)) return false;
  const has = (step) => outcomes.get(step) === PASSED;
  return (has(Step.SEAL) || has(Step.STATEMENT)) && has(Step.KEY) && has(Step.AUTHORITY);
}

function findVerdict(outcomes, status, required, warned) {
  if ([...outcomes.values()].includes(FAILED)) return "INVALID";
  if (status === null) return "UNKNOWN";
  if (INVALID.has(status)) return "INVALID";
  if (required.some((step) => outcomes.get(step) === NOT_CHECKED)) return "UNKNOWN";
  return warned || status !== "VALID" ? "ATTENTION" : "VALID";
}

const DATES = new Set(["verifiedOn", "validUntil", "enteredOn"]);

/** Return the report as JSON members, as the command and the server print it. */
export function reportMembers(report) {
  const members = {
    verdict: report.verdict,
    authentic: report.authentic,
    status: report.status,
    environment: report.development ? "development" : "production",
    checks: report.checks.map(({ step, outcome, reason, warning }) => ({
      step: step.number,
      name: step.code,
      outcome,
      reason: reason.en,
      reason_zh: reason.zh,
      ...(warning ? { warning } : {}),
    })),
  };
  if (report.document !== null) members.document = spellMembers(report.document);
  if (report.sticker !== null) members.sticker = spellMembers(report.sticker);
  if (report.note !== null) Object.assign(members, { note: report.note.en, note_zh: report.note.zh });
  return members;
}

/** Return members as JSON names them; those that are null are left out. */
function spellMembers(members) {
  const said = Object.entries(members).filter(([, value]) => value !== null);
  const spell = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(said.map(([name, value]) => [spell(name), DATES.has(name) ? encodeDate(value) : value]));
}
