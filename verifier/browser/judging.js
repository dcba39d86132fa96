// All rules that a document must keep, of each kind: ledger/core/judging.py in one with calibration_rules.py, decision.py,
// comparison.py, standard_rules.py, traceability.py, type_rules.py and paper_rules.py. Registers are those of status.js.
import { Register } from "./authority.js";
import { nameCategory } from "./category.js";
import { encodeDate, equalBytes } from "./encoding.js";
import { personSubject, standardSubject, typeApprovalSubject } from "./event.js";
import { add, compare, fraction, isPositive, magnitude, multiply, subtract } from "./exact.js";
import { PersonContent } from "./person.js";
import { RegisterState } from "./register_fields.js";
import { checkPersons, checkScope, findMaterialReasons, isWhole, KEY_ENDED } from "./register_rules.js";
import { Control, isInForce } from "./regulation.js";
import { judge, judgeFailed, judgeOpen, judgePassed, judgeUnknown, reason, RuleResult, sentence } from "./rule_result.js";
import {
  checkExpiry, checkLimits, checkRegulation, computeIndicationError, findCitedRule, findMisstatedError, listPoints,
} from "./rules.js";
import { StandardContent } from "./standard.js";
import { Conclusion, DocumentKind } from "./statement.js";
import { FAILED, Step } from "./step.js";
import { TypeApprovalContent } from "./type_approval.js";

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
  const ended = newest === null ? [] : findEnd(record, registers, newest);
  const since = (step, now) => (step === Step.SCOPE && ended.length ? judgeFailed(...ended, ...now.reasons) : now);
  const judged = ([step, check]) => [
    step,
    newest === null ? check(registers) : warn(check(registers), since(step, check(newest))),
  ];
  return new Map(listRules(record, book, roots).map(judged));
};

/** That the institution itself, which was in order then, is suspended or withdrawn now. */
const findEnd = ({ issuer: { id } }, then, now) => {
  const [before, after] = [then, now].map(({ institutions }) => institutions.get(id)?.state);
  const hasEnded = before === RegisterState.ACTIVE && after !== undefined && after !== RegisterState.ACTIVE;
  return hasEnded ? [reason("issuer.id", `institution ${id} is ${after}`, "该机构已暂停或撤销")] : [];
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

// --- calibrations --------------------------------------------------------------------------------------------------

/** Return what a rule says of one measured error; signs of error and limit do not matter. */
const judgeConformity = (error, limit, expandedUncertainty, { guardFactor }) => {
  const [size, largest] = [magnitude(error), magnitude(limit)];
  const guard = guardFactor === null ? fraction(0) : multiply(guardFactor, expandedUncertainty);
  if (compare(size, subtract(largest, guard)) <= 0) return Conclusion.PASS;
  const fails = guardFactor === null || compare(size, add(largest, guard)) > 0;
  return fails ? Conclusion.FAIL : Conclusion.CONDITIONAL;
};

/** Return the conclusion of a whole that has these parts. */
const findWorst = (conclusions) =>
  [Conclusion.FAIL, Conclusion.CONDITIONAL].find((each) => conclusions.includes(each)) ?? Conclusion.PASS;

const square = (one) => multiply(one, one);

/** Say whether En <= 1, decided on the squares, exactly. */
const isConsistent = (one, other) => {
  const sum = add(square(one.expandedUncertainty), square(other.expandedUncertainty));
  return compare(square(subtract(one.value, other.value)), sum) <= 0;
};

const NAMED = new Map([
  [Conclusion.PASS, ["pass", "符合"]],
  [Conclusion.CONDITIONAL, ["conditional", "待定"]],
  [Conclusion.FAIL, ["fail", "不符合"]],
]);
const RULE_NAMES = { simple_acceptance: "简单接受", guarded_acceptance: "带保护带的接受" };

/** Say by what was calibrated; a regulation that is cited too must have been in force if it is on record. */
const checkMethod = (record, book) => {
  const { specification, regulation, verifiedOn } = record;
  const rule = findCitedRule(record, book);
  if (rule !== null && !isInForce(rule, verifiedOn)) {
    const [id, day] = [rule.regulationId, encodeDate(verifiedOn)];
    return judgeFailed(reason("regulation.id", `${id} is not in force on ${day}`, `${id}在${day}不是现行规程`));
  }
  const cited = [specification, regulation].filter((item) => item !== null).map(({ id }) => id);
  const en = `calibrated by ${cited.join(", ")}; a calibration verifies nothing by a regulation`;
  return judgePassed(en, `依据${cited.join("、")}校准；校准不是检定`);
};

/** Recompute every error, and the conclusion by the decision rule that the certificate states. */
const checkConformity = (record) => {
  const reasons = [...findMisstated(record), ...findWrongConclusions(record)];
  if (reasons.length) return judgeFailed(...reasons);
  const apart = record.comparisons.filter(({ own, reference }) => !isConsistent(own, reference)).map(({ name }) => name);
  const warning = apart.length > 0;
  const [en, zh] = describeConformity(record, [...listPoints(record)].length);
  const [enApart, zhApart] = warning ? [`; En above 1: ${apart.join(", ")}`, `；En大于1：${apart.join("、")}`] : ["", ""];
  return judgePassed(en + enApart, zh + zhApart, { warning });
};

/** Say whether a date is stated; that the customer has agreed on it is a condition of reading the record. */
const checkInterval = ({ validity }) => {
  if (validity.until === null) return judgePassed("no interval is recommended", "未给出复校时间间隔");
  const until = encodeDate(validity.until);
  return judgePassed(`${until} was agreed with the customer`, `${until}系与客户约定`);
};

/** Say that types are approved for verification, and blocked from it. */
const checkNoType = () => judgePassed("a calibration needs no type approval", "校准不要求型式批准");

const describeConformity = ({ decisionRule, conclusion }, count) => {
  if (decisionRule === null || conclusion === null) {
    return [`${count} values, no conclusion`, `${count}个校准结果，未作符合性结论`];
  }
  const { rule, guardFactor, requirement } = decisionRule;
  const [en, zh] = NAMED.get(conclusion);
  const guard = guardFactor === null ? "" : ` w=${guardFactor}U`;
  return [
    `${count} values, ${en} by ${rule.replaceAll("_", " ")}${guard} (${requirement})`,
    `${count}个校准结果，按${RULE_NAMES[rule]}${guard}判定为${zh}（${requirement}）`,
  ];
};

const findMisstated = (record) =>
  [...listPoints(record)]
    .filter(([result, point]) => findMisstatedError(result, point))
    .map(([, , path]) => reason(`${path}.error`, "does not follow from nominal and measured", "与标准值和示值计算不符"));

/** Compare the conclusion with the worst that its values give; those before an adjustment do not count. */
function* findWrongConclusions(record) {
  const { decisionRule, conclusion } = record;
  if (decisionRule === null || conclusion === null) return;
  const found = [];
  for (const [result, point, path] of listPoints(record)) {
    const limit = point.maximumPermissibleError;
    const error = computeIndicationError(result, point) ?? point.indicationError;
    if (result.beforeAdjustment) continue;
    if (limit === null) yield reason(`${path}.mpe`, "needed where conformity is stated", "作出符合性结论须给出限值");
    else found.push(judgeConformity(error, limit, point.expandedUncertainty, decisionRule));
  }
  const [en, zh] = NAMED.get(findWorst(found));
  if (!found.length) yield reason("conclusion", "conformity of no value", "没有可判定的校准结果");
  else if (findWorst(found) !== conclusion) {
    yield reason("conclusion", `is ${en} by its decision rule`, `按判定规则应为${zh}`);
  }
}

// --- measurement standards -----------------------------------------------------------------------------------------

/** Check what the document was measured with; `roots`: external roots that are believed, null: nobody judges them. */
const checkStandards = (record, registers, book, roots = null) => {
  const { verifiedOn, issuer, standards } = record;
  const rule = findCitedRule(record, book);
  const reasons = [
    ...findStatedExpiries(record), ...findUncertainties(record, rule), ...findMaterialReasons(record, registers),
  ];
  const [unknown, chains] = [[], []];
  for (const [number, stated] of standards.entries()) {
    const content = registers.findOn(standardSubject(issuer.id, stated.id), StandardContent, verifiedOn);
    if (content === null) {
      unknown.push([`standards[${number}].id`, stated.id]);
      continue;
    }
    reasons.push(...findStandardFaults(record, stated, content, `standards[${number}]`, rule));
    const chain = walkChain(content.reference, verifiedOn, registers);
    chains.push(chain);
    if (content.state !== RegisterState.ACTIVE || content.validUntil < verifiedOn) continue;
    reasons.push(...chain.breaks.map((words) => reason(`standards[${number}].id`, ...words)));
  }
  if (isWhole(Register.STANDARD, record, registers)) {
    if (!standards.length) reasons.push(reason("standards", "none is named", "未注明所用计量标准"));
    reasons.push(...unknown.map(([field, name]) => reason(field, `${name} is not registered`, `${name}未登记`)));
  }
  if (reasons.length) return judgeFailed(...new Map(reasons.map((each) => [JSON.stringify(each), each])).values());
  if (unknown.length || !standards.length) {
    const names = unknown.map(([, name]) => name);
    const [en, zh] = [names.join(", ") || "none is named", names.join("、") || "未注明"];
    return judgeOpen([], `measurement standards not on record: ${en}`, `计量标准未见登记：${zh}`);
  }
  return judgeEnds(chains, roots);
};

/** Say where all chains end, and whether that is as far as they must go. */
const judgeEnds = (chains, roots) => {
  const gather = (name) => [...new Set(chains.flatMap((chain) => [...chain[name]]))].sort();
  const [primaries, external, unproved] = ["primaries", "roots", "unproved"].map(gather);
  const en = [...primaries.map((name) => `the primary standard ${name}`), ...external.map((name) => `${name} (external)`)];
  const zh = [...primaries.map((name) => `国家基准${name}`), ...external.map((name) => `${name}（外部）`)];
  const ends = [`traced to ${en.join(", ") || "nothing"}`, `溯源至${zh.join("、") || "无"}`];
  const open = (english, chinese, names) =>
    judgeOpen([], `${ends[0]}; ${english}${names.join(", ")}`, `${ends[1]}；${chinese}${names.join("、")}`);
  if (unproved.length) return open("known by their number alone: ", "仅有编号、未附证书摘要：", unproved);
  const strange = external.filter((name) => roots !== null && !roots.has(name));
  return strange.length ? open("the policy does not name ", "策略未列", strange) : judgePassed(...ends);
};

/** Standards, and their instruments, whose certificate had run out by the document's own word. */
function* findStatedExpiries({ standards, verifiedOn }) {
  for (const [number, standard] of standards.entries()) {
    const path = `standards[${number}]`;
    if (standard.examinationUntil < verifiedOn) yield expired(`${path}.exam_until`, standard.examinationNo, verifiedOn);
    for (const [position, instrument] of standard.instruments.entries()) {
      const field = `${path}.instruments[${position}].until`;
      if (instrument.until < verifiedOn) yield expired(field, instrument.certificateNo, verifiedOn);
    }
  }
}

const expired = (field, no, verifiedOn) => {
  const day = encodeDate(verifiedOn);
  return reason(field, `certificate ${no} had run out on the verification date ${day}`, `证书${no}在检定日期${day}已过有效期`);
};

/** Whether a verification is mandatory (强制检定): by category and purpose of the instrument. */
const isMandatoryWork = (record, rule) =>
  ![null, Control.STANDARD].includes(rule?.control ?? null) &&
  record.documentKind === DocumentKind.VERIFICATION &&
  record.instrument.purpose !== null;

/** Compare a standard as the document states it with what is registered. */
function* findStandardFaults(record, stated, content, path, rule) {
  const { id } = stated;
  const { verifiedOn } = record;
  const { category } = record.instrument;
  if (content.state !== RegisterState.ACTIVE) yield reason(`${path}.id`, `${id} is ${content.state}`, `${id}已暂停或撤销`);
  if (content.validUntil < verifiedOn) yield expired(`${path}.exam_until`, content.examinationNo, verifiedOn);
  yield* findDifferences(stated, content, path);
  if (!content.categories.has(category)) {
    const name = nameCategory(category);
    yield reason(`${path}.id`, `${id} is not for ${name}`, `${id}不适用于${name}`);
  }
  if (isMandatoryWork(record, rule) && content.publicNo === null && !content.isMandatory) {
    const en = `${id} is neither public nor authorised for mandatory verification`;
    yield reason(`${path}.id`, en, `${id}不是社会公用计量标准，也未获授权用于强制检定`);
  }
  for (const { until, certificateNo } of content.instruments) {
    if (until < verifiedOn) yield expired(`${path}.instruments`, certificateNo, verifiedOn);
  }
}

function* findDifferences(stated, content, path) {
  if (stated.examinationNo !== content.examinationNo) yield differs(`${path}.exam_no`, content.examinationNo);
  if (stated.examinationUntil !== content.validUntil) yield differs(`${path}.exam_until`, encodeDate(content.validUntil));
  if (stated.range !== content.range) yield differs(`${path}.range`, content.range);
  if (stated.uncertainty !== content.uncertainty) yield differs(`${path}.u`, content.uncertainty);
  for (const [position, instrument] of stated.instruments.entries()) {
    const field = `${path}.instruments[${position}]`;
    const found = content.instruments.find(({ no }) => no === instrument.no);
    if (found === undefined) {
      yield differs(`${field}.no`, content.instruments.map(({ no }) => no).sort().join(", ") || "-");
      continue;
    }
    if (instrument.certificateNo !== found.certificateNo) yield differs(`${field}.cert_no`, found.certificateNo);
    if (instrument.until !== found.until) yield differs(`${field}.until`, encodeDate(found.until));
    const [ours, theirs] = [instrument.certificateDigest, found.certificateDigest];
    if (ours !== null && (theirs === null || !equalBytes(ours, theirs))) {
      yield reason(`${field}.cert_hash`, "is not as registered", "与登记不一致");
    }
  }
}

const differs = (field, registered) => reason(field, `is registered as ${registered}`, `登记内容为${registered}`);

/** Readings whose U is more than the share of |MPE| that the regulation allows (JJF 1094: 1/3). */
function* findUncertainties(record, rule) {
  const share = rule?.uncertaintyShare ?? null;
  if (share === null || record.documentKind !== DocumentKind.VERIFICATION) return;
  for (const [, { expandedUncertainty, maximumPermissibleError: limit }, path] of listPoints(record)) {
    if (expandedUncertainty === null || limit === null || !isPositive(magnitude(limit))) continue;
    if (compare(expandedUncertainty, multiply(magnitude(limit), share)) <= 0) continue;
    const part = share.d === 1n ? "1" : `1/${share.d}`;
    const en = `is more than ${part} of the maximum permissible error ${limit}`;
    yield reason(`${path}.u`, en, `大于最大允许误差${limit}的${part}`);
  }
}

const MAX_STEPS = 16;

/** Follow a standard to its ends: `{breaks, primaries, roots, unproved}`; `breaks` are pairs of sentences. */
export const walkChain = (reference, day, registers) => {
  const chain = { breaks: new Map(), primaries: new Set(), roots: new Set(), unproved: new Set(), below: new Map() };
  walk(reference, day, registers, [], chain);
  return { ...chain, breaks: [...chain.breaks.values()] };
};

/** Take up where a standard ends, once a step and day; return its name and those of all that it leads to. */
const walk = (reference, day, registers, path, chain) => {
  const name = `${reference.institution}/${reference.id}`;
  if (path.includes(name)) return addCircle(chain, name);
  const place = `${path.length} ${day} ${name}`;
  const known = chain.below.get(place);
  if (known) {
    for (const above of path) if (known.has(above)) addCircle(chain, above);
    return known;
  }
  const below = new Set([name]);
  const content = registers.findOn(standardSubject(reference.institution, reference.id), StandardContent, day);
  const fault = findChainFault(content, name, day, path.length);
  if (fault !== null) addBreak(chain, fault);
  else if (content.isPrimary) chain.primaries.add(content.name);
  else {
    for (const { source, certificateNo, dated } of content.instruments) {
      if (source === null) chain.unproved.add(certificateNo);
      else if (typeof source === "string") chain.roots.add(source);
      else for (const each of walk(source, dated, registers, [...path, name], chain)) below.add(each);
    }
  }
  chain.below.set(place, below);
  return below;
};

const addBreak = (chain, fault) => chain.breaks.set(fault.join("\n"), fault);

const addCircle = (chain, name) => {
  addBreak(chain, [`${name} is traced to itself`, `${name}溯源至其自身`]);
  return new Set([name]);
};

/** Why a standard leads nowhere, in English and Chinese, or null. */
const findChainFault = (content, name, day, steps) => {
  const on = encodeDate(day);
  if (content === null) return [`${name} is not registered`, `${name}未登记`];
  if (content.state !== RegisterState.ACTIVE) return [`${name} was ${content.state} on ${on}`, `${name}在${on}已暂停或撤销`];
  if (content.validUntil < day) {
    const [until, no] = [encodeDate(content.validUntil), content.examinationNo];
    return [`${name} had run out on ${on}: ${no} is good until ${until}`, `${name}在${on}已过有效期：${no}有效期至${until}`];
  }
  if (steps >= MAX_STEPS) return [`more than ${MAX_STEPS} steps`, `溯源超过${MAX_STEPS}级`];
  if (content.isPrimary || content.instruments.length) return null;
  return [`${name} names no main instrument`, `${name}未列主标准器`];
};

// --- types and blocks ----------------------------------------------------------------------------------------------

/** Check type approval, software and blocks, as of the verification date. */
const checkType = (record, registers, book) => {
  const reasons = [...findBlocks(record, registers)];
  const number = record.instrument.typeApprovalNo;
  const isKept = isWhole(Register.TYPE_APPROVAL, record, registers);
  if (number === null) {
    if (findCitedRule(record, book)?.control !== Control.TYPE_APPROVAL_AND_VERIFICATION) {
      return judge(reasons, "no type approval is needed, and nothing is blocked", "无须型式批准，且未被停止检定");
    }
    if (isKept) reasons.push(reason("instrument.cpa_no", "needed for this category", "此类器具须经型式批准"));
    return judgeOpen(reasons, "no type approval is named", "未注明型式批准号");
  }
  const content = registers.findOn(typeApprovalSubject(number), TypeApprovalContent, record.verifiedOn);
  if (content === null) {
    if (isKept) reasons.push(reason("instrument.cpa_no", `${number} is not registered`, `${number}未登记`));
    return judgeOpen(reasons, `type approval not on record: ${number}`, `型式批准未见登记：${number}`);
  }
  reasons.push(...findTypeFaults(record, content));
  return judge(reasons, `of the approved type ${number}, not blocked`, `符合型式批准${number}，未被停止检定`);
};

function* findBlocks({ instrument, verifiedOn }, registers) {
  const { maker, model, serial } = instrument;
  for (const block of maker === null ? [] : registers.listBlocks(maker)) {
    if (block.state !== RegisterState.ACTIVE || block.validFrom > verifiedOn || !block.covers(model, serial)) continue;
    const [no, day] = [block.decision.number, encodeDate(block.decision.dated)];
    yield reason("instrument", `blocked by decision ${no} of ${day}`, `依${day}第${no}号决定停止检定`);
  }
}

function* findTypeFaults({ instrument, verifiedOn }, content) {
  const { number, models, validUntil } = content;
  if (content.state !== RegisterState.ACTIVE) {
    yield reason("instrument.cpa_no", `${number} is ${content.state}`, `${number}已暂停或撤销`);
  } else if (validUntil !== null && validUntil < verifiedOn) {
    const until = encodeDate(validUntil);
    yield reason("instrument.cpa_no", `${number} was good until ${until}`, `${number}有效期至${until}`);
  }
  if (instrument.category !== content.category) yield differsFromType("category", nameCategory(content.category));
  if (instrument.maker !== content.maker) yield differsFromType("maker", content.maker);
  if (models.size && !models.has(instrument.model)) yield differsFromType("model", [...models].sort().join(", "));
  if (content.software.length && !isApproved(instrument.software, content)) {
    const names = content.software.map(({ id }) => id).join(", ");
    const [en, zh] =
      instrument.software === null
        ? [`needed: the type approval names ${names}`, `须注明：型式批准列明软件${names}`]
        : [`is not what was examined with the type (${names})`, `与型式批准的软件不符（${names}）`];
    yield reason("instrument.software", en, zh);
  }
}

const differsFromType = (name, registered) =>
  reason(`instrument.${name}`, `the type approval is for ${registered}`, `型式批准为${registered}`);

/** Whether software is what was examined: by name, and by hash wherever the approval has one. */
const isApproved = (software, content) =>
  content.software.some(
    ({ id, digest }) =>
      id === software?.id && (digest === null || (software.digest !== null && equalBytes(digest, software.digest))),
  );
