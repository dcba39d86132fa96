// Measurement standards: registered, in force, public for mandatory work, traceable, fine enough: ledger/core/standard_rules.py.
import { Register } from "./authority.js";
import { nameCategory } from "./category.js";
import { encodeDate, equalBytes } from "./encoding.js";
import { standardSubject } from "./event.js";
import { compare, isPositive, magnitude, multiply } from "./exact.js";
import { RegisterState } from "./register_fields.js";
import { findMaterialReasons, isWhole } from "./register_rules.js";
import { Control } from "./regulation.js";
import { judgeFailed, judgeOpen, judgePassed, reason } from "./rule_result.js";
import { findCitedRule } from "./rules.js";
import { StandardContent } from "./standard.js";
import { DocumentKind } from "./statement.js";
import { walkChain } from "./traceability.js";

/** Check what the document was measured with; `roots`: external roots that are believed, null: nobody judges them. */
export const checkStandards = (record, registers, book, roots = null) => {
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
  for (const [number, { points }] of record.results.entries()) {
    for (const [position, { expandedUncertainty, maximumPermissibleError: limit }] of points.entries()) {
      if (expandedUncertainty === null || limit === null || !isPositive(magnitude(limit))) continue;
      if (compare(expandedUncertainty, multiply(magnitude(limit), share)) > 0) {
        const [field, part] = [`results[${number}].points[${position}].u`, share.d === 1n ? "1" : `1/${share.d}`];
        yield reason(field, `is more than ${part} of the maximum permissible error ${limit}`, `大于最大允许误差${limit}的${part}`);
      }
    }
  }
}
