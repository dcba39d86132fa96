// Scope, persons and reference materials, as of the verification date: ledger/core/register_rules.py.
import { Register } from "./authority.js";
import { nameCategory } from "./category.js";
import { encodeDate, encodeHex, encodeInstant } from "./encoding.js";
import { materialSubject, personSubject, scopeSubject } from "./event.js";
import { compare, encodeDecimal } from "./exact.js";
import { namePerson, PersonContent } from "./person.js";
import { Role } from "./record.js";
import { RegisterState } from "./register_fields.js";
import { normaliseCitation } from "./regulation.js";
import { judge, judgeFailed, judgeOpen, judgePassed, reason } from "./rule_result.js";
import { Basis, ScopeContent } from "./scope.js";
import { MaterialContent } from "./standard.js";
import { computeBaseValue, parseUnit } from "./unit.js";

export const KEY_ENDED = "PERSON_KEY_ENDED";
const ROLE_NAMES = { operator: "检定员", checker: "核验员", approver: "批准人" };

/** Whether a register is kept whole for the institution that issues a document. */
export const isWhole = (register, record, registers) =>
  registers.institutions.get(record.issuer.id)?.registers.has(register) ?? false;

// --- scope -----------------------------------------------------------------------------------------------------

/** Compare a document with the line of the authorisation that it names, as of the verification date, else as it is. */
export const checkScope = (record, registers) => {
  const { id, scopeId } = record.issuer;
  const subject = scopeSubject(id, scopeId);
  const scope = registers.findOn(subject, ScopeContent, record.verifiedOn) ?? registers.findNewest(subject, ScopeContent);
  if (scope === null) {
    const en = `institution ${id} has no scope line ${scopeId}`;
    return judgeFailed(reason("issuer.scope_line_id", en, `机构${id}没有授权项${scopeId}`));
  }
  const reasons = [...findScopeBreaches(record, scope), ...findScopeLimits(record, scope)];
  const en = `covered by scope line ${scope.id} of authorisation ${scope.authorisationNo}`;
  const zh = `在授权证书${scope.authorisationNo}第${scope.id}项范围内`;
  if (reasons.length || scope.basis === Basis.EXAMINED || scope.followUp === null) return judge(reasons, en, zh);
  const day = encodeDate(scope.followUp);
  return judgePassed(
    `${en}, granted on the institution's pledge, to be followed up by ${day}`,
    `${zh}（告知承诺，应于${day}前核查）`,
    { warning: scope.followUp < record.verifiedOn },
  );
};

function* findScopeBreaches(record, scope) {
  const { kind, verifiedOn, issuer } = record;
  const { category, site } = record.instrument;
  const [name, division] = [nameCategory(category), site?.division ?? ""];
  if (scope.state !== RegisterState.ACTIVE) {
    yield reason("issuer.scope_line_id", `is ${scope.state}`, "该授权项已暂停或撤销");
  }
  if (issuer.authorisationNo !== scope.authorisationNo) {
    yield reason("issuer.authorisation_no", `is not ${scope.authorisationNo}`, `应为${scope.authorisationNo}`);
  }
  if (!scope.categories.has(category)) yield outside("instrument.category", name, name);
  if (!scope.kinds.has(kind)) yield outside("kind", kind, kind);
  if (!division.startsWith(scope.division)) {
    const en = `${division || "no division"} is outside the region ${scope.division}`;
    yield reason("instrument.site.division", en, `${division || "未注明区划"}不在授权区域${scope.division}内`);
  }
  if (verifiedOn < scope.validFrom || verifiedOn > scope.validUntil) {
    const [day, from, until] = [verifiedOn, scope.validFrom, scope.validUntil].map(encodeDate);
    yield reason("verified_on", `${day} is not within ${from} to ${until}`, `${day}不在授权期限${from}至${until}内`);
  }
}

const outside = (field, en, zh) => reason(field, `${en} is outside the scope`, `${zh}不在授权范围内`);

/** What goes beyond classes, regulations and range of a line that limits them. */
function* findScopeLimits(record, scope) {
  const stated = record.classAwarded ?? record.instrument.accuracyClass ?? "-";
  if (scope.classes.size && !scope.classes.has(stated)) {
    yield outside("instrument.class", `class ${stated}`, `等级${stated}`);
  }
  const covered = [...scope.regulations].map(normaliseCitation);
  for (const [name, id] of listCited(record)) {
    if (covered.length && !covered.includes(normaliseCitation(id))) yield outside(`${name}.id`, id, id);
  }
  if (scope.range !== null) yield* findReadingsOutside(record, scope.range);
}

/** What a document was made by: its specification, if it has one, and its regulation. */
const listCited = (record) => {
  const names = ["specification", "regulation"].filter((name) => record[name] !== null);
  return names.length ? names.map((name) => [name, record[name].id]) : [["regulation", "-"]];
};

function* findReadingsOutside({ results }, { lower, upper, unit: covered }) {
  const [low, high] = [lower, upper].map((value) => computeBaseValue(value, covered));
  for (const [number, result] of results.entries()) {
    const unit = result.unit === null ? null : parseUnit(result.unit);
    if (unit?.dimension !== covered.dimension) continue;
    for (const [position, { nominal }] of result.points.entries()) {
      const value = nominal && computeBaseValue(nominal, unit);
      if (value === null || (compare(low, value) <= 0 && compare(value, high) <= 0)) continue;
      const [field, from, to] = [`results[${number}].points[${position}].nominal`, ...[lower, upper].map(encodeDecimal)];
      const en = `is not within ${from} to ${to} ${covered.code}`;
      yield reason(field, en, `不在授权测量范围${from}至${to} ${covered.code}内`);
    }
  }
}

// --- persons ---------------------------------------------------------------------------------------------------

/** Check that roles are kept apart, and that each person is registered, qualified and signs with their key. */
export const checkPersons = (record, registers) => {
  const { persons } = record;
  const reasons = [...findRoleFaults(record, registers)];
  const isKept = isWhole(Register.PERSON, record, registers);
  const unknown = [];
  persons.forEach((person, number) => {
    const subject = personSubject(record.issuer.id, person.personId);
    const content = registers.findOn(subject, PersonContent, record.verifiedOn);
    const who = [`the ${person.role}`, ROLE_NAMES[person.role]];
    const field = `persons[${number}]`;
    if (content !== null) reasons.push(...findPersonFaults(record, person, content, `${field}.pid`, ...who));
    else if (isKept) reasons.push(reason(`${field}.pid`, `${who[0]} is not registered`, `${who[1]}未登记`));
    else unknown.push(who);
    reasons.push(...findKeyFaults(record, person, content, `${field}.key`, registers, ...who));
  });
  const count = persons.length;
  if (unknown.length) {
    const [en, zh] = [unknown.map(([name]) => name).join(", "), unknown.map(([, name]) => name).join("、")];
    return judgeOpen(
      reasons,
      `${count} persons are named; the registration of ${en} is not on record`,
      `注明${count}名人员；${zh}的资格登记不在记录中，未核对`,
    );
  }
  return judge(reasons, `${count} persons are registered and qualified`, `${count}名人员均已登记且具备资格`);
};

function* findRoleFaults({ persons, issuer }, registers) {
  const byRole = new Map(persons.map((person) => [person.role, person.personId]));
  const shared = registers.institutions.get(issuer.id)?.checkerMayApprove ?? false;
  const roles = Object.values(Role);
  for (const role of roles) {
    if (!byRole.has(role)) yield reason("persons", `no ${role} is named`, `未注明${ROLE_NAMES[role]}`);
  }
  for (const [one, other] of [[0, 1], [0, 2], [1, 2]].map((pair) => pair.map((at) => roles[at]))) {
    const allowed = shared && one === Role.CHECKER;
    if (byRole.has(one) && byRole.get(one) === byRole.get(other) && !allowed) {
      yield reason("persons", `${one} and ${other} are one person`, `${ROLE_NAMES[one]}与${ROLE_NAMES[other]}为同一人`);
    }
  }
}

/** What a person's registration does not cover. */
function* findPersonFaults({ verifiedOn, instrument }, { role }, content, field, en, zh) {
  if (content.state !== RegisterState.ACTIVE) {
    yield reason(field, `${en} is ${content.state}`, `${zh}的登记已暂停或撤销`);
  } else if (content.validUntil < verifiedOn) {
    const until = encodeDate(content.validUntil);
    yield reason(field, `${en} was registered until ${until}`, `${zh}的登记有效期至${until}`);
  }
  if (!content.roles.has(role)) yield reason(field, `${en} is not registered for this role`, `${zh}未登记此项职责`);
  if (!content.categories.has(instrument.category)) {
    const name = nameCategory(instrument.category);
    yield reason(field, `${en} is not registered for ${name}`, `${zh}的登记项目不含${name}`);
  }
}

/** Require that whoever has a key signs with it, and with no other. */
function* findKeyFaults(record, { key, personId }, content, field, registers, en, zh) {
  if (key === null) {
    if ((content?.key ?? null) !== null) {
      yield reason(field, `${en} must sign with their own key`, `${zh}须用本人密钥签名`);
    }
    return;
  }
  const known = registers.keys.get(encodeHex(key.keyId));
  if (known?.key.multikey !== key.multikey || known.owner !== namePerson(record.issuer.id, personId)) {
    yield reason(field, `is not registered for ${en}`, `密钥未登记在${zh}名下`);
  } else if (known.compromisedFrom !== null) {
    const since = `${encodeInstant(known.compromisedFrom).slice(0, 16).replace("T", " ")} UTC`;
    yield reason(field, `the key of ${en} is compromised from ${since} on`, `${zh}的密钥自${since}起失密`);
  } else if (known.until !== null && (content === null || content.state === RegisterState.ACTIVE)) {
    yield reason(field, `the key of ${en} has ended`, `${zh}的密钥已停用`, KEY_ENDED);
  }
}

// --- reference materials ---------------------------------------------------------------------------------------

/** Lots of reference materials that were recalled or had run out; a part of `checkStandards`. */
export function* findMaterialReasons(record, registers) {
  for (const [number, { id, lot }] of record.referenceMaterials.entries()) {
    const content = registers.findOn(materialSubject(id, lot), MaterialContent, record.verifiedOn);
    const [field, what] = [`crms[${number}].lot`, `${id} ${lot}`];
    if (content === null) {
      if (isWhole(Register.STANDARD, record, registers)) yield reason(field, `${what} is not registered`, `${what}未登记`);
    } else if (content.state !== RegisterState.ACTIVE) {
      yield reason(field, `${what} was recalled`, `${what}已被召回`);
    } else if (content.validUntil < record.verifiedOn) {
      const until = encodeDate(content.validUntil);
      yield reason(field, `${what} was good until ${until}`, `${what}有效期至${until}`);
    }
  }
}
