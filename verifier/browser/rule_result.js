// What a rule says of one document: ledger/core/rule_result.py. Of a reason only KEY_ENDED has its code here.
import { FAILED, NOT_CHECKED, PASSED } from "./step.js";

export const sentence = (en, zh) => Object.freeze({ en, zh });

/** One ground against a document: path of the member to blame, and one sentence in both languages. */
export const reason = (field, en, zh, code = "") => Object.freeze({ code, field, en, zh });

export class RuleResult {
  constructor(outcome, sentence, reasons = [], { warning = false } = {}) {
    Object.assign(this, { outcome, sentence, reasons, warning });
    Object.freeze(this);
  }

  /** What was found and all reasons as one sentence. */
  get text() {
    const join = (language, colon, semicolon) =>
      [this.sentence[language], ...this.reasons.map((each) => each.field + colon + each[language])]
        .filter((part) => part)
        .join(semicolon);
    return sentence(join("en", ": ", "; "), join("zh", "：", "；"));
  }
}

/** That a rule is kept. */
export const judgePassed = (en, zh, options) => new RuleResult(PASSED, sentence(en, zh), [], options);

/** That a rule is broken. */
export const judgeFailed = (...reasons) => new RuleResult(FAILED, sentence("", ""), reasons);

/** That rules are unconfirmed or unknown, with whatever speaks against the document all the same. */
export const judgeUnknown = (en, zh, reasons = [], options = {}) =>
  new RuleResult(NOT_CHECKED, sentence(en, zh), reasons, options);

/** A failure for these reasons; without any, that all is well, in these words. */
export const judge = (reasons, en, zh) => (reasons.length ? judgeFailed(...reasons) : judgePassed(en, zh));

/** A failure for these reasons; without any, that a part could not be judged, in these words. */
export const judgeOpen = (reasons, en, zh) => (reasons.length ? judgeFailed(...reasons) : judgeUnknown(en, zh));
