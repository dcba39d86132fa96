// All rules that a document must keep, of each kind: ledger/core/judging.py, and paper_rules.py in one with it.
import { Register } from "./authority.js";
import { checkConformity, checkInterval, checkMethod, checkNoType } from "./calibration_rules.js";
import { encodeDate } from "./encoding.js";
import { personSubject } from "./event.js";
import { PersonContent } from "./person.js";
import { RegisterState } from "./register_fields.js";
import { checkPersons, checkScope, isWhole, KEY_ENDED } from "./register_rules.js";
import { judgeOpen, judgeUnknown, reason, RuleResult, sentence } from "./rule_result.js";
import { checkExpiry, checkLimits, checkRegulation } from "./rules.js";
import { checkStandards } from "./standard_rules.js";
import { DocumentKind } from "./statement.js";
import { FAILED, Step } from "./step.js";
import { checkType } from "./type_rules.js";

/** What a document is judged by; `newest`: the registers as they are now, null: nothing is known of later. */
export class Grounds {
  constructor(registers, tables, roots = null, newest = null, publishedOnly = false) {
    Object.assign(this, { registers, tables, roots, newest, publishedOnly });
    Object.freeze(this);
  }

  /** The regulations that count. */
  get book() {
    const { rules } = this.newest ?? this.registers;
    return this.publishedOnly ? rules.alone : rules.over(this.tables);
  }
}

/** What the rules say that need regulations only, by step. */
export const judgeByBook = (record, book) => {
  const [regulation, limits, expiry] = {
    [DocumentKind.PAPER]: [judgeAsOnPaper, judgeAsOnPaper, judgeAsOnPaper],
    [DocumentKind.CALIBRATION]: [checkMethod, checkConformity, checkInterval],
    [DocumentKind.VERIFICATION]: [checkRegulation, checkLimits, checkExpiry],
  }[record.documentKind];
  return new Map([
    [Step.REGULATION, regulation(record, book)],
    [Step.LIMITS, limits(record, book)],
    [Step.EXPIRY, expiry(record, book)],
  ]);
};

/** What the rules say that need registers, by step; what has become known since makes a warning. */
export const judgeByRegisters = (record, grounds) => {
  const { registers, newest, book, roots } = grounds;
  const judged = ([step, check]) => [
    step,
    newest === null ? check(registers) : warn(check(registers), check(newest)),
  ];
  return new Map(listRules(record, book, roots).map(judged));
};

const listRules = (record, book, roots) => {
  const isPaper = record.documentKind === DocumentKind.PAPER;
  const isCalibration = record.documentKind === DocumentKind.CALIBRATION;
  const orPaper = (check) => (isPaper ? judgeAsOnPaper : check);
  return [
    [Step.SCOPE, orPaper((registers) => checkScope(record, registers))],
    [Step.PERSONS, (registers) => (isPaper ? checkEntry : checkPersons)(record, registers)],
    [Step.STANDARDS, orPaper((registers) => checkStandards(record, registers, book, roots))],
    [Step.TYPE, orPaper(isCalibration ? checkNoType : (registers) => checkType(record, registers, book))],
  ];
};

/** A result as it stands after something against the document has been registered since. */
const warn = (then, now) => {
  const against = now.reasons.filter(({ code }) => code !== KEY_ENDED);
  if (then.outcome === FAILED || !against.length) return then;
  const since = new RuleResult(now.outcome, now.sentence, against).text;
  const { en, zh } = then.sentence;
  const words = sentence(`${en}; registered since: ${since.en}`, `${zh}；此后登记：${since.zh}`);
  return new RuleResult(then.outcome, words, then.reasons, { warning: true });
};

// --- entries from paper (纸质证书登记): who made it; all else is as the paper has it --------------------------------

const judgeAsOnPaper = () =>
  judgeUnknown(
    "paper register: as the paper has it, not held against the rules of its day",
    "纸质证书登记：照录纸质证书，未按当时的规定核对",
  );

/** Check that whoever has made the entry was registered with the institution on that day. */
const checkEntry = (record, registers) => {
  const day = encodeDate(record.paper.enteredOn);
  const en = `paper register: whoever signed the paper signs no entry of it; entered on ${day}`;
  const words = findEntryFault(record, registers);
  const zh = `纸质证书登记：签字人员已在纸质证书上签字，无须对登记签名；登记日期${day}`;
  return judgeOpen(words === null ? [] : [reason("paper.entered_by", ...words)], en, zh);
};

/** What is against whoever has entered it, or null; sentences do not name the person. */
const findEntryFault = (record, registers) => {
  const { enteredBy, enteredOn } = record.paper;
  const content = registers.findOn(personSubject(record.issuer.id, enteredBy), PersonContent, enteredOn);
  if (content === null) {
    const isKept = isWhole(Register.PERSON, record, registers);
    return isKept ? ["whoever has entered it is not registered", "登记人员未登记"] : null;
  }
  if (content.state !== RegisterState.ACTIVE) return [`whoever has entered it is ${content.state}`, "登记人员的登记已暂停或撤销"];
  if (content.validUntil >= enteredOn) return null;
  const until = encodeDate(content.validUntil);
  return [`whoever has entered it was registered until ${until}`, `登记人员的登记有效期至${until}`];
};
