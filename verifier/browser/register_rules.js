// A document against the registers, as of its verification date: ledger/core/register_rules.py.
import { encodeDate, encodeHex, encodeInstant } from "./encoding.js";
import { materialSubject, personSubject, scopeSubject } from "./event.js";
import { compare } from "./exact.js";
import { namePerson, PersonContent } from "./person.js";
import { Role } from "./record.js";
import { RegisterState } from "./register_fields.js";
import { normaliseCitation } from "./regulation.js";
import { judge, judgeFailed, judgeOpen, judgePassed, reason } from "./rule_result.js";
import { Register } from "./authority.js";
import { nameCategory } from "./category.js";
import { ScopeContent } from "./scope.js";
import { MaterialContent } from "./standard.js";
import { computeBaseValue, UNITS } from "./unit.js";

/** Speaks against what is signed after it, never against what was signed before. */
export const KEY_ENDED = "PERSON_KEY_ENDED";

const ROLE_NAMES = { operator: "检定员", checker: "核验员", approver: "批准人" };

/** Say whether a register is kept whole for the institution that issues a document. */
export const isWhole = (register, record, registers) =>
  registers.institutions.get(record.issuer.id)?.registers.has(register) ?? false;

/** The line that a document names, as it was on the verification date, else as it is. */
export const findScope = (record, registers) => {
  const subject = scopeSubject(record.issuer.id, record.issuer.scopeId);
  return registers.findOn(subject, ScopeContent, record.verifiedOn) ?? registers.findNewest(subject, ScopeContent);
};

/** Compare a document with the line of the authorisation that it names, as of the verification date. */
export const checkScope = (record, registers) => {
  const scope = findScope(record, registers);
  const { id, scopeId } = record.issuer;
  if (scope === null)
    return judgeFailed(
      reason("issuer.scope_line_id", `institution ${id} has no scope line ${scopeId}`, `机构${id}没有授权项${scopeId}`),
    );
  const reasons = [...findScopeBreaches(record, scope), ...findScopeLimits(record, scope)];
  const en = `covered by scope line ${scope.id} of authorisation ${scope.authorisationNo}`;
  const zh = `在授权证书${scope.authorisationNo}第${scope.id}项范围内`;
  if (reasons.length || scope.followUp === null) return judge(reasons, en, zh);
  const day = encodeDate(scope.followUp);
  return judgePassed(
    `${en}, granted on the institution's pledge, to be followed up by ${day}`,
    `${zh}（告知承诺，应于${day}前核查）`,
    { warning: scope.followUp < record.verifiedOn },
  );
};

const findScopeBreaches = (record, scope) => {
  const { category, site } = record.instrument;
  const [name, division] = [nameCategory(category), site?.division ?? ""];
  const [from, until, day] = [scope.validFrom, scope.validUntil, record.verifiedOn];
  const [first, last, on] = [from, until, day].map(encodeDate);
  return [
    scope.state !== RegisterState.ACTIVE &&
      reason("issuer.scope_line_id", `is ${scope.state}`, "该授权项已暂停或撤销"),
    record.issuer.authorisationNo !== scope.authorisationNo &&
      reason("issuer.authorisation_no", `is not ${scope.authorisationNo}`, `应为${scope.authorisationNo}`),
    !scope.categories.has(category) &&
      reason("instrument.category", `${name} is outside the scope`, `${name}不在授权范围内`),
    !scope.kinds.has(record.kind) &&
      reason("kind", `${record.kind} is outside the scope`, `${record.kind}不在授权范围内`),
    !division.startsWith(scope.division) &&
      reason(
        "instrument.site.division",
        `${division || "no division"} is outside the region ${scope.division}`,
        `${division || "未注明区划"}不在授权区域${scope.division}内`,
      ),
    (day < from || day > until) &&
      reason("verified_on", `${on} is not within ${first} to ${last}`, `${on}不在授权期限${first}至${last}内`),
  ].filter((found) => found);
};

/** Find what goes beyond classes, regulations and range of a line that limits them. */
const findScopeLimits = (record, scope) => {
  const found = [];
  const stated = record.classAwarded || record.instrument.accuracyClass || "-";
  if (scope.classes.size && !scope.classes.has(stated))
    found.push(reason("instrument.class", `class ${stated} is outside the scope`, `等级${stated}不在授权范围内`));
  const covered = [...scope.regulations].map(normaliseCitation);
  for (const [name, cited] of listCited(record))
    if (covered.length && !covered.includes(normaliseCitation(cited)))
      found.push(reason(`${name}.id`, `${cited} is outside the scope`, `${cited}不在授权范围内`));
  return scope.range === null ? found : [...found, ...findReadingsOutside(record, scope.range)];
};

/** What a document was made by: its specification, if it has one, and its regulation. */
const listCited = (record) => {
  const cited = ["specification", "regulation"].filter((name) => record[name] !== null);
  return cited.length ? cited.map((name) => [name, record[name].id]) : [["regulation", "-"]];
};

const findReadingsOutside = (record, { lower, upper, unit: covered }) => {
  const found = [];
  const [low, high] = [lower, upper].map((value) => computeBaseValue(value, covered));
  record.results.forEach((result, number) => {
    const unit = result.unit === null ? null : UNITS.get(result.unit);
    if (unit?.dimension !== covered.dimension) return;
    result.points.forEach(({ nominal }, position) => {
      if (nominal === null) return;
      const value = computeBaseValue(nominal, unit);
      if (compare(value, low) < 0 || compare(value, high) > 0)
        found.push(
          reason(
            `results[${number}].points[${position}].nominal`,
            `is not within ${lower} to ${upper} ${covered.code}`,
            `不在授权测量范围${lower}至${upper} ${covered.code}内`,
          ),
        );
    });
  });
  return found;
};

/** Check that roles are kept apart, and that each person is registered, qualified and signs with their key. */
export const checkPersons = (record, registers) => {
  const reasons = findRoleFaults(record, registers);
  const isKept = isWhole(Register.PERSON, record, registers);
  const unknown = [];
  record.persons.forEach((person, number) => {
    const content = findPersonOn(record, person, registers);
    const [en, zh] = [`the ${person.role}`, ROLE_NAMES[person.role]];
    if (content !== null) reasons.push(...findPersonFaults(record, person, content, number));
    else if (isKept) reasons.push(reason(`persons[${number}].pid`, `${en} is not registered`, `${zh}未登记`));
    else unknown.push([en, zh]);
    reasons.push(...findKeyFaults(record, person, content, number, registers));
  });
  const count = record.persons.length;
  if (!unknown.length)
    return judge(reasons, `${count} persons are registered and qualified`, `${count}名人员均已登记且具备资格`);
  const [en, zh] = [unknown.map((who) => who[0]).join(", "), unknown.map((who) => who[1]).join("、")];
  return judgeOpen(
    reasons,
    `${count} persons are named; the registration of ${en} is not on record`,
    `注明${count}名人员；${zh}的资格登记不在记录中，未核对`,
  );
};

/** How a person was registered on the verification date. */
export const findPersonOn = (record, person, registers) =>
  registers.findOn(personSubject(record.issuer.id, person.personId), PersonContent, record.verifiedOn);

const findRoleFaults = (record, registers) => {
  const byRole = new Map(record.persons.map((person) => [person.role, person.personId]));
  const shared = registers.institutions.get(record.issuer.id)?.checkerMayApprove ?? false;
  const { OPERATOR, CHECKER, APPROVER } = Role;
  const missing = [OPERATOR, CHECKER, APPROVER]
    .filter((role) => !byRole.has(role))
    .map((role) => reason("persons", `no ${role} is named`, `未注明${ROLE_NAMES[role]}`));
  const apart = [[OPERATOR, CHECKER], [OPERATOR, APPROVER], ...(shared ? [] : [[CHECKER, APPROVER]])];
  const joined = apart
    .filter(([one, other]) => byRole.has(one) && byRole.get(one) === byRole.get(other))
    .map(([one, other]) =>
      reason("persons", `${one} and ${other} are one person`, `${ROLE_NAMES[one]}与${ROLE_NAMES[other]}为同一人`),
    );
  return [...missing, ...joined];
};

/** Find what a person's registration does not cover. */
const findPersonFaults = (record, { role }, content, number) => {
  const found = [];
  const [en, zh] = [`the ${role}`, ROLE_NAMES[role]];
  const say = (english, chinese) => found.push(reason(`persons[${number}].pid`, en + english, zh + chinese));
  const until = encodeDate(content.validUntil);
  if (content.state !== RegisterState.ACTIVE) say(` is ${content.state}`, "的登记已暂停或撤销");
  else if (content.validUntil < record.verifiedOn) say(` was registered until ${until}`, `的登记有效期至${until}`);
  if (!content.roles.has(role)) say(" is not registered for this role", "未登记此项职责");
  const { category } = record.instrument;
  const name = nameCategory(category);
  if (!content.categories.has(category)) say(` is not registered for ${name}`, `的登记项目不含${name}`);
  return found;
};

/** Require that whoever has a key signs with it, and with no other. */
const findKeyFaults = (record, person, content, number, registers) => {
  const [field, en, zh] = [`persons[${number}].key`, `the ${person.role}`, ROLE_NAMES[person.role]];
  if (person.key === null) {
    if (!content?.key) return [];
    return [reason(field, `${en} must sign with their own key`, `${zh}须用本人密钥签名`)];
  }
  const known = registers.keys.get(encodeHex(person.key.keyId));
  if (known?.key !== person.key || known.owner !== namePerson(record.issuer.id, person.personId))
    return [reason(field, `is not registered for ${en}`, `密钥未登记在${zh}名下`)];
  if (known.compromisedFrom !== null) {
    const since = `${encodeInstant(known.compromisedFrom).slice(0, 16).replace("T", " ")} UTC`;
    return [reason(field, `the key of ${en} is compromised from ${since} on`, `${zh}的密钥自${since}起失密`)];
  }
  if (known.until === null || (content !== null && content.state !== RegisterState.ACTIVE)) return [];
  return [reason(field, `the key of ${en} has ended`, `${zh}的密钥已停用`, KEY_ENDED)];
};

/** Find lots of reference materials that were recalled or had run out; a part of `checkStandards`. */
export const findMaterialReasons = (record, registers) =>
  record.referenceMaterials.flatMap(({ id, lot }, number) => {
    const content = registers.findOn(materialSubject(id, lot), MaterialContent, record.verifiedOn);
    const say = (en, zh) => [reason(`crms[${number}].lot`, `${id} ${lot} ${en}`, `${id} ${lot}${zh}`)];
    if (content === null)
      return isWhole(Register.STANDARD, record, registers) ? say("is not registered", "未登记") : [];
    if (content.state !== RegisterState.ACTIVE) return say("was recalled", "已被召回");
    const until = encodeDate(content.validUntil);
    return content.validUntil < record.verifiedOn ? say(`was good until ${until}`, `有效期至${until}`) : [];
  });
