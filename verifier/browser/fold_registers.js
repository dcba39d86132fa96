// Who may register what, and what follows: ledger/core/fold_registers.py, fold_root.py, fold_delegated.py, register_keys.py.
import {
  AuthorityContent, CompromiseContent, InstitutionContent, KeyContent, PolicyContent, Power, ROOT_ISSUER, RootContent,
  Trade,
} from "./authority.js";
import { encodeHex, equalBytes } from "./encoding.js";
import { EventType, makerSubject } from "./event.js";
import { PersonContent, Qualification } from "./person.js";
import { checkInstitution, checkKey, checkPower, checkVersion, dayOf, deny } from "./powers.js";
import { RegulationContent } from "./published_rule.js";
import { listRegisterSubjects, parseContent, registerSubject, RollContent } from "./register_content.js";
import { RegisterState } from "./register_fields.js";
import { ScopeContent } from "./scope.js";
import { sha256 } from "./sha256.js";
import { verifySignature } from "./signature.js";
import { MaterialContent, StandardContent } from "./standard.js";
import { computeEndorsedBytes, verifyStatement } from "./statement.js";
import { Effect, RegisteredKey, Status, SubjectState } from "./status.js";
import { BlockContent, TypeApprovalContent } from "./type_approval.js";

const idOf = (key) => encodeHex(key.keyId);
const isActive = (content) => content.state === RegisterState.ACTIVE;
const isOneOf = (content, ...kinds) => kinds.some((kind) => content instanceof kind);
const ANYWHERE = "";

/** What a register event does; throws NoEffectError, InputError or BrokenSignatureError where that is nothing. */
export const judgeRegister = async (signed, claims, index, sequencedAt, registers, view) => {
  const { statement } = signed;
  const content = parseContent(statement.type, claims.content);
  const [subject, ...others] = listRegisterSubjects(content);
  const before = view(subject);
  checkVersion(statement, before);
  const message = (origin) =>
    computeEndorsedBytes(statement.type, origin, claims.content, statement.expectedVersion);
  const event = { signed, statement, endorsements: claims.endorsements, message, content, index, sequencedAt, registers };
  if (content instanceof RootContent) await checkRoot(event);
  else if (isOneOf(content, PolicyContent, AuthorityContent)) await checkDecision(event);
  else await checkDelegated(event);
  const status = findStatusAfter(content);
  const changes = new Map([[encodeHex(subject), new SubjectState(status, statement.expectedVersion + 1, index, null)]]);
  for (const other of others) changes.set(encodeHex(other), follow(view(other), event));
  const version = Object.freeze({ index, issuer: statement.issuer, content });
  const digest = sha256(claims.content);
  const apply = (target) => change(target, version, digest, dayOf(sequencedAt));
  return new Effect(subject, before === null ? null : before.lastEvent, changes, apply);
};

const findStatusAfter = (content) =>
  isOneOf(content, RootContent, PolicyContent) || isActive(content) ? Status.ACTIVE : Status.INACTIVE;

/** The state of a maker after a block: active as long as any block of its instruments is. */
const follow = (before, { content, index, registers }) => {
  const others = registers.listBlocks(content.maker).filter((block) => block.id !== content.id);
  const status = [content, ...others].some(isActive) ? Status.ACTIVE : Status.INACTIVE;
  return new SubjectState(status, (before?.version ?? 0) + 1, index, null);
};

const change = (registers, version, digest, day) => {
  const { content, index } = version;
  const { authorities, institutions, rolls } = registers;
  if (content instanceof RootContent) {
    replaceRootKeys(registers, content, index);
    registers.root = content;
    registers.roots = [...registers.roots, digest];
  } else if (content instanceof AuthorityContent) {
    moveKey(registers, authorities.get(content.id), content, content.id, index, isActive(content));
    authorities.set(content.id, content);
  } else if (content instanceof InstitutionContent) institutions.set(content.id, content);
  else if (content instanceof KeyContent) setKey(registers, content.key, content.institution, index, isActive(content));
  else if (content instanceof CompromiseContent) markCompromised(registers, content, index);
  else if (content instanceof PolicyContent) registers.policyVersion = content.version;
  else if (content instanceof RollContent) rolls.set(content.roll, content);
  else addVersion(registers, version, day);
};

/** Add a version; `day` is the leaf's, UTC: a person who is suspended from a later day on keeps the key. */
const addVersion = (registers, version, day) => {
  const { content, index } = version;
  const { scopes, blocks, versions } = registers;
  const subject = registerSubject(content);
  const own = encodeHex(subject);
  if (content instanceof PersonContent) {
    const active = isActive(content) || content.validFrom > day;
    moveKey(registers, registers.findNewest(subject, PersonContent), content, content.owner, index, active);
  }
  if (content instanceof ScopeContent) scopes.set(nameLine(content), content);
  if (content instanceof RegulationContent) registers.rules = registers.rules.follow(content);
  if (content instanceof BlockContent) {
    const maker = encodeHex(makerSubject(content.maker));
    blocks.set(maker, new Set(blocks.get(maker)).add(own));
  }
  versions.set(own, [...(versions.get(own) ?? []), version]);
};

const nameLine = (content) => `${content.institution}\0${content.id}`;

// --- what the root says ---

/** Require leaf 0 to be version 1, and every later root to follow the one before, by the word of both. */
const checkRoot = async (event) => {
  const { signed, statement, content, index } = event;
  if (statement.issuer !== ROOT_ISSUER) deny("a root is issued by ROOT");
  if (index) await checkSuccession(event);
  else if (content.version !== 1) deny("leaf 0 is version 1 of the root");
  const signer = content.keys.find((key) => equalBytes(key.keyId, signed.keyId));
  await verifyStatement(signed, signer ?? deny("ROOT is not signed by one of its own keys"), content.origin);
  await checkRootEndorsements(event, content);
};

const checkSuccession = async (event) => {
  const { content, registers } = event;
  const { root, roots } = registers;
  if (root === null || content.version !== root.version + 1) deny("this root does not follow the newest one");
  if (!equalBytes(content.previous, roots[roots.length - 1])) deny("the root names another version before it");
  if (["origin", "logKey", "predecessor"].some((name) => content[name] !== root[name])) {
    deny("origin, log key and predecessor of a log do not change");
  }
  for (const known of content.keys.map((key) => registers.keys.get(idOf(key)))) {
    if (known && (known.owner !== ROOT_ISSUER || known.until !== null)) {
      deny("a key of the root is somebody else's, or has ended");
    }
  }
  await checkRootEndorsements(event, root);
};

/** Require the root's word: of a policy a version above the newest, of an authority the new key's own word. */
const checkDecision = async (event) => {
  const { signed, statement, content, index, registers } = event;
  if (registers.root === null || statement.issuer !== ROOT_ISSUER) deny("only the root decides this");
  checkKey(registers, signed.keyId, ROOT_ISSUER, index);
  await checkRootEndorsements(event, registers.root);
  if (content instanceof PolicyContent) {
    if (content.version <= (registers.policyVersion ?? 0)) deny(`a policy that is not newer than ${registers.policyVersion}`);
    return;
  }
  if (registers.institutions.has(content.id)) deny(`${content.id} is the id of an institution`);
  await requireOwnKey(event, content.id);
};

/** Count the root keys that endorse a content; others may endorse too, but count for nothing here. */
const checkRootEndorsements = async ({ endorsements, message }, { origin, keys, threshold }) => {
  let good = 0;
  for (const { keyId, signature } of endorsements) {
    const key = keys.find((one) => equalBytes(one.keyId, keyId));
    if (!key) continue;
    await verifySignature(key, signature, message(origin));
    good += 1;
  }
  if (good < threshold) deny(`endorsed by ${good} root keys; ${threshold} are needed`);
};

// --- what authorities and institutions say ---

const { INSTITUTION, KEY, SCOPE, PERSON, STANDARD, REGULATION, TYPE_APPROVAL } = Power;
const POWERS = {
  INSTITUTION, KEY, KEY_COMPROMISED_FROM: KEY, SCOPE, PERSON, STANDARD, REFERENCE_MATERIAL: STANDARD, REGULATION,
  TYPE_APPROVAL, BLOCK: TYPE_APPROVAL, STICKER_ALLOTTED: INSTITUTION,
};

/** Require that who speaks may register this. */
const checkDelegated = async (event) => {
  const { signed, statement, content, index, sequencedAt, registers } = event;
  const { issuer } = statement;
  if (issuer === content.institution && isOneOf(content, PersonContent, RollContent)) {
    checkInstitution(issuer, signed.keyId, index, registers, Trade.VERIFICATION);
    if (content instanceof PersonContent) checkOwnPerson(event);
  } else {
    const power = POWERS[Object.keys(POWERS).find((name) => EventType[name] === statement.type)];
    checkPower(signed, power, findDivisions(content, registers), index, sequencedAt, registers);
  }
  if (isOneOf(content, KeyContent, PersonContent) && content.key !== null) {
    await requireOwnKey(event, content.owner ?? content.institution);
  }
  if (content instanceof CompromiseContent) judgeCompromised(event);
  if (content instanceof RegulationContent) checkFirstDays(event);
  if (content instanceof RollContent) checkRoll(event);
};

/** Require that an institution speaks of a person whom it has authorised itself, before and now. */
const checkOwnPerson = ({ content, registers }) => {
  for (const one of [content, registers.findNewest(registerSubject(content), PersonContent) ?? content]) {
    if (one.qualification !== Qualification.AUTHORISED) deny("an authority registers whom it has qualified");
  }
};

const judgeCompromised = ({ content, sequencedAt, registers }) => {
  const known = registers.keys.get(idOf(content.key));
  if (known?.key !== content.key || known.owner.split("/")[0] !== content.institution) {
    deny(`the key is not registered for ${content.institution}`);
  }
  if (content.since > sequencedAt) deny("the compromise lies in the future");
  if (content.since >= (known.compromisedFrom ?? Infinity)) deny("the key is known to be compromised before");
};

/** Require that a roll stays what it is: a version changes its state and nothing else. */
const checkRoll = ({ content: { roll, institution, count, seed }, registers }) => {
  const before = registers.rolls.get(roll) ?? { institution, count, seed };
  const isKept = before.institution === institution && before.count === count && equalBytes(before.seed, seed);
  if (!isKept) deny(`roll ${roll} stays as it was allotted, but for its state`);
};

/** Require that one row of a category at most begins on a day: which rule holds must never be open. */
const checkFirstDays = ({ content, registers }) => {
  for (const other of registers.listNewest(RegulationContent)) {
    const isRival = other.category === content.category && other.regulationId !== content.regulationId;
    const startsTogether = other.rule.effectiveOn === content.rule.effectiveOn;
    if (isRival && startsTogether && isActive(other) && isActive(content)) {
      deny(`${other.regulationId} is in force from the same day`);
    }
  }
};

/** Every division that a decision touches: as registered now, and as it would be after it. */
const findDivisions = (content, registers) => {
  if (content instanceof InstitutionContent) return findInstitutionDivisions(content, registers);
  const isCommon = isOneOf(content, MaterialContent, RegulationContent, TypeApprovalContent, BlockContent);
  return isCommon ? findGrantingDivision(content, registers) : findOwnDivisions(content, registers);
};

const findOwnDivisions = (content, registers) => {
  const institution = registers.institutions.get(content.institution);
  const { division } = institution ?? deny(`institution ${content.institution} is not registered`);
  if (content instanceof StandardContent) {
    const before = registers.findNewest(registerSubject(content), StandardContent);
    return content.isPrimary || before?.isPrimary ? [division, ANYWHERE] : [division];
  }
  if (!(content instanceof ScopeContent)) return [division];
  return [division, content.division, registers.scopes.get(nameLine(content))?.division ?? division];
};

/** The division of the authority that has registered this before, if any has. */
const findGrantingDivision = (content, registers) => {
  const [newest] = [...(registers.versions.get(encodeHex(registerSubject(content))) ?? [])].reverse();
  const granting = registers.authorities.get(newest?.issuer);
  return granting ? [granting.division] : [];
};

const findInstitutionDivisions = ({ id, division }, registers) => {
  if (registers.authorities.has(id)) deny(`${id} is the id of an authority`);
  const registered = registers.institutions.get(id)?.division ?? division;
  if (!division.startsWith(registered)) deny("an institution does not move to another division");
  return [registered, division];
};

// --- keys: each belongs to one owner for ever ---

/** Require that a key is its owner's alone, that it has not ended, and that a new one speaks for itself. */
const requireOwnKey = async ({ endorsements, message, content, registers }, owner) => {
  const { key } = content;
  const known = registers.keys.get(idOf(key));
  if (!known) {
    const own = endorsements.find(({ keyId }) => equalBytes(keyId, key.keyId));
    const { signature } = own ?? deny("the new key has not endorsed its own registration");
    await verifySignature(key, signature, message(registers.root?.origin ?? ""));
  } else if (known.key !== key || known.owner !== owner) {
    deny("this key, or one with the same id, is registered for somebody else");
  } else if (known.until !== null && isActive(content)) deny("the key has ended and does not become active again");
};

/** Make the keys of a new root count, and those that it leaves out end. */
const replaceRootKeys = (registers, content, index) => {
  const kept = content.keys.map(idOf);
  for (const key of registers.root?.keys ?? []) {
    if (!kept.includes(idOf(key))) setKey(registers, key, ROOT_ISSUER, index, false);
  }
  for (const key of content.keys) setKey(registers, key, ROOT_ISSUER, index, true);
};

/** Make a key end, and remember since when it is not believed. */
const markCompromised = ({ keys }, { key, since }, index) => {
  const known = keys.get(idOf(key));
  keys.set(idOf(key), new RegisteredKey({ ...known, until: known.until ?? index, compromisedFrom: since }));
};

/** Make a key count from this index on, or end at it; one that has ended stays so. */
const setKey = ({ keys }, key, owner, index, active) => {
  const known = keys.get(idOf(key)) ?? { key, owner, since: index, until: null, compromisedFrom: null };
  keys.set(idOf(key), new RegisteredKey({ ...known, until: known.until ?? (active ? null : index) }));
};

/** Make an owner's new key count, and the one that it takes the place of end. */
const moveKey = (registers, before, now, owner, index, active) => {
  const old = before?.key ?? null;
  if (old !== null && old !== now.key) setKey(registers, old, owner, index, false);
  if (now.key !== null) setKey(registers, now.key, owner, index, active);
};
