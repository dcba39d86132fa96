/** fold_registers.py, fold_root.py, fold_delegated.py, register_keys.py: who may register what, and what follows. */
import {
  AuthorityContent, CompromiseContent, InstitutionContent, KeyContent, PolicyContent, Power, ROOT_ISSUER, RootContent,
  Trade,
} from "./authority.js";
import { encodeHex, equalBytes } from "./encoding.js";
import { EventType, makerSubject } from "./event.js";
import { PersonContent, Qualification } from "./person.js";
import { checkInstitution, checkKey, checkPower, checkVersion, dayOf, deny, requireTrade } from "./powers.js";
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

/** Return what a register event does; throws NoEffectError, InputError or BrokenSignatureError where it does nothing. */
export const judgeRegister = async (signed, claims, index, sequencedAt, registers, view) => {
  const { statement } = signed;
  const content = parseContent(statement.type, claims.content);
  const subjects = listRegisterSubjects(content);
  const before = view(subjects[0]);
  checkVersion(statement, before);
  if (content instanceof RootContent) await checkRoot(signed, claims, content, index, registers);
  else if (content instanceof PolicyContent) await checkPolicy(signed, claims, content, index, registers);
  else if (content instanceof AuthorityContent) await checkAuthority(signed, claims, content, index, registers);
  else await checkDelegated(signed, claims, content, index, sequencedAt, registers);
  const state = new SubjectState(findStatus(content), statement.expectedVersion + 1, index, null);
  const changes = new Map([[encodeHex(subjects[0]), state]]);
  for (const other of subjects.slice(1)) changes.set(encodeHex(other), follow(view(other), content, index, registers));
  const version = Object.freeze({ index, issuer: statement.issuer, content });
  const digest = sha256(claims.content);
  const prev = before === null ? null : before.lastEvent;
  return new Effect(subjects[0], prev, changes, (target) => apply(target, version, digest, dayOf(sequencedAt)));
};

const findStatus = (content) => {
  if (content instanceof RootContent || content instanceof PolicyContent) return Status.ACTIVE;
  return !(content instanceof CompromiseContent) && isActive(content) ? Status.ACTIVE : Status.INACTIVE;
};

/** Return the state of a maker after a block: active as long as any block of its instruments is. */
const follow = (before, content, index, registers) => {
  const others = registers.listBlocks(content.maker);
  const blocked = isActive(content) || others.some((block) => block.id !== content.id && isActive(block));
  return new SubjectState(blocked ? Status.ACTIVE : Status.INACTIVE, (before?.version ?? 0) + 1, index, null);
};

const apply = (registers, version, digest, day) => {
  const { content, index } = version;
  if (content instanceof RootContent) {
    replaceRootKeys(registers, content, index);
    registers.root = content;
    registers.roots = [...registers.roots, digest];
  } else if (content instanceof AuthorityContent) {
    const before = registers.authorities.get(content.id)?.key ?? null;
    moveKey(registers, before, content.key, content.id, index, isActive(content));
    registers.authorities.set(content.id, content);
  } else if (content instanceof InstitutionContent) registers.institutions.set(content.id, content);
  else if (content instanceof KeyContent)
    setKey(registers, content.key, content.institution, index, isActive(content));
  else if (content instanceof CompromiseContent) markCompromised(registers, content, index);
  else if (content instanceof PolicyContent) registers.policyVersion = content.version;
  else if (content instanceof RollContent) registers.rolls.set(content.roll, content);
  else applyVersion(registers, version, day);
};

/** Add a version; `day` is the leaf's, UTC: a person who is suspended from a later day on keeps the key. */
const applyVersion = (registers, version, day) => {
  const { content } = version;
  const own = registerSubject(content);
  if (content instanceof PersonContent) {
    const before = registers.findNewest(own, PersonContent)?.key ?? null;
    moveKey(registers, before, content.key, content.owner, version.index, isActive(content) || content.validFrom > day);
  }
  if (content instanceof ScopeContent) registers.scopes.set(`${content.institution}\0${content.id}`, content);
  if (content instanceof RegulationContent) registers.rules = registers.rules.follow(content);
  if (content instanceof BlockContent) {
    const maker = encodeHex(makerSubject(content.maker));
    registers.blocks.set(maker, new Set(registers.blocks.get(maker)).add(encodeHex(own)));
  }
  const name = encodeHex(own);
  registers.versions.set(name, [...(registers.versions.get(name) ?? []), version]);
};

// --- what the root says ---

/** Require leaf 0 to be version 1, and every later root to follow the one before, by the word of both. */
const checkRoot = async (signed, claims, content, index, registers) => {
  if (signed.statement.issuer !== ROOT_ISSUER) deny("a root is issued by ROOT");
  if (index) await checkSuccession(signed, claims, content, registers);
  else if (content.version !== 1) deny("leaf 0 is version 1 of the root");
  const signer = content.keys.find((key) => equalBytes(key.keyId, signed.keyId));
  if (!signer) deny("ROOT is not signed by one of its own keys");
  await verifyStatement(signed, signer, content.origin);
  await checkRootEndorsements(signed.statement, claims, content);
};

const checkSuccession = async (signed, claims, content, registers) => {
  const before = registers.root;
  if (before === null || content.version !== before.version + 1)
    deny(`version ${content.version} of the root does not follow version ${before?.version ?? "none"}`);
  if (!equalBytes(content.previous, registers.roots[registers.roots.length - 1]))
    deny("the root names another version before it");
  if (
    content.origin !== before.origin ||
    content.logKey !== before.logKey ||
    content.predecessor !== before.predecessor
  )
    deny("origin, log key and predecessor of a log do not change");
  for (const key of content.keys) {
    const known = registers.keys.get(idOf(key));
    if (known && (known.owner !== ROOT_ISSUER || known.until !== null))
      deny("a key of the root is somebody else's, or has ended");
  }
  await checkRootEndorsements(signed.statement, claims, before);
};

/** Require the root's word, and a version above the newest. */
const checkPolicy = async (signed, claims, content, index, registers) => {
  if (registers.root === null || signed.statement.issuer !== ROOT_ISSUER) deny("only the root publishes policies");
  checkKey(registers, signed.keyId, ROOT_ISSUER, index);
  await checkRootEndorsements(signed.statement, claims, registers.root);
  if (content.version <= (registers.policyVersion ?? 0))
    deny(`policy version ${content.version} is not newer than ${registers.policyVersion}`);
};

/** Count the root keys that endorse a content; others may endorse too, but count for nothing here. */
const checkRootEndorsements = async (statement, claims, root) => {
  const message = computeEndorsedBytes(statement.type, root.origin, claims.content, statement.expectedVersion);
  let good = 0;
  for (const { keyId, signature } of claims.endorsements) {
    const key = root.keys.find((one) => equalBytes(one.keyId, keyId));
    if (!key) continue;
    await verifySignature(key, signature, message);
    good += 1;
  }
  if (good < root.threshold) deny(`endorsed by ${good} root keys; ${root.threshold} are needed`);
};

/** Require the root's word, and the new key's own. */
const checkAuthority = async (signed, claims, content, index, registers) => {
  if (registers.root === null || signed.statement.issuer !== ROOT_ISSUER) deny("only the root registers authorities");
  checkKey(registers, signed.keyId, ROOT_ISSUER, index);
  await checkRootEndorsements(signed.statement, claims, registers.root);
  if (registers.institutions.has(content.id)) deny(`${content.id} is the id of an institution`);
  await requireOwnKey(signed.statement, claims, content, content.id, registers);
};

// --- what authorities and institutions say ---

const POWERS = {
  [EventType.INSTITUTION]: Power.INSTITUTION,
  [EventType.KEY]: Power.KEY,
  [EventType.KEY_COMPROMISED_FROM]: Power.KEY,
  [EventType.SCOPE]: Power.SCOPE,
  [EventType.PERSON]: Power.PERSON,
  [EventType.STANDARD]: Power.STANDARD,
  [EventType.REFERENCE_MATERIAL]: Power.STANDARD,
  [EventType.REGULATION]: Power.REGULATION,
  [EventType.TYPE_APPROVAL]: Power.TYPE_APPROVAL,
  [EventType.BLOCK]: Power.TYPE_APPROVAL,
  [EventType.STICKER_ALLOTTED]: Power.INSTITUTION,
};

/** Require that who speaks may register this. */
const checkDelegated = async (signed, claims, content, index, sequencedAt, registers) => {
  const { issuer, type } = signed.statement;
  const isOwn = issuer === content.institution;
  if (isOwn && content instanceof PersonContent) checkOwnPerson(signed, content, index, registers);
  else if (isOwn && content instanceof RollContent)
    requireTrade(checkInstitution(issuer, signed.keyId, index, registers), Trade.VERIFICATION);
  else checkPower(signed, POWERS[type], findDivisions(content, registers), index, sequencedAt, registers);
  if ((content instanceof KeyContent || content instanceof PersonContent) && content.key !== null)
    await requireOwnKey(signed.statement, claims, content, content.owner ?? content.institution, registers);
  if (content instanceof CompromiseContent) checkCompromise(content, sequencedAt, registers);
  if (content instanceof RegulationContent) checkFirstDays(content, registers);
  if (content instanceof RollContent) checkRoll(content, registers);
};

/** Require that an institution speaks of a person whom it has authorised itself, before and now. */
const checkOwnPerson = (signed, content, index, registers) => {
  requireTrade(checkInstitution(signed.statement.issuer, signed.keyId, index, registers), Trade.VERIFICATION);
  for (const state of [content, registers.findNewest(registerSubject(content), PersonContent)])
    if (state && state.qualification !== Qualification.AUTHORISED)
      deny(`a person who is ${state.qualification} is registered by an authority`);
};

const checkCompromise = (content, sequencedAt, registers) => {
  const known = registers.keys.get(idOf(content.key));
  if (!known || known.key !== content.key || known.owner.split("/")[0] !== content.institution)
    deny(`the key is not registered for ${content.institution}`);
  if (content.since > sequencedAt) deny("the compromise lies in the future");
  if (known.compromisedFrom !== null && content.since >= known.compromisedFrom)
    deny("the key is known to be compromised from an earlier time on");
};

/** Require that a roll stays what it is: a version changes its state and nothing else. */
const checkRoll = (content, registers) => {
  const before = registers.rolls.get(content.roll);
  const isKept = (one) =>
    one.institution === content.institution && one.count === content.count && equalBytes(one.seed, content.seed);
  if (before && !isKept(before)) deny(`roll ${content.roll} stays as it was allotted, but for its state`);
};

/** Require that one row of a category at most begins on a day: which rule holds must never be open. */
const checkFirstDays = (content, registers) => {
  for (const other of registers.listNewest(RegulationContent)) {
    const isRival = other.category === content.category && other.regulationId !== content.regulationId;
    const startsTogether = isRival && other.rule.effectiveOn === content.rule.effectiveOn;
    if (startsTogether && isActive(other) && isActive(content))
      deny(`${other.regulationId} is in force from the same day as ${content.regulationId}`);
  }
};

/** Return every division that a decision touches: as registered now, and as it would be after it. */
const findDivisions = (content, registers) => {
  if (content instanceof InstitutionContent) return findInstitutionDivisions(content, registers);
  const isCommon = [MaterialContent, RegulationContent, TypeApprovalContent, BlockContent].some(
    (kind) => content instanceof kind,
  );
  return isCommon ? findGrantingDivision(content, registers) : findOwnDivisions(content, registers);
};

const findOwnDivisions = (content, registers) => {
  const id = content.institution;
  const { division } = registers.institutions.get(id) ?? deny(`institution ${id} is not registered`);
  if (content instanceof StandardContent) {
    const before = registers.findNewest(registerSubject(content), StandardContent);
    return content.isPrimary || before?.isPrimary ? [division, ""] : [division];
  }
  if (!(content instanceof ScopeContent)) return [division];
  const line = registers.scopes.get(`${id}\0${content.id}`);
  return [division, content.division, ...(line ? [line.division] : [])];
};

/** Return the division of the authority that has registered this before, if any has. */
const findGrantingDivision = (content, registers) => {
  const versions = registers.versions.get(encodeHex(registerSubject(content)));
  const granting = versions && registers.authorities.get(versions[versions.length - 1].issuer);
  return granting ? [granting.division] : [];
};

const findInstitutionDivisions = (content, registers) => {
  if (registers.authorities.has(content.id)) deny(`${content.id} is the id of an authority`);
  const registered = registers.institutions.get(content.id);
  if (!registered) return [content.division];
  if (!content.division.startsWith(registered.division)) deny("an institution does not move to another division");
  return [registered.division, content.division];
};

// --- keys: each belongs to one owner for ever ---

/** Require that a key is its owner's alone, that it has not ended, and that a new one speaks for itself. */
const requireOwnKey = async (statement, claims, content, owner, registers) => {
  const { key } = content;
  const known = registers.keys.get(idOf(key));
  if (!known) await checkPossession(statement, claims, key, registers.root?.origin ?? "");
  else if (known.key !== key || known.owner !== owner)
    deny("this key, or one with the same id, is registered for somebody else");
  else if (known.until !== null && isActive(content)) deny("the key has ended and does not become active again");
};

const checkPossession = async (statement, claims, key, origin) => {
  const own =
    claims.endorsements.find(({ keyId }) => equalBytes(keyId, key.keyId)) ??
    deny("the new key has not endorsed its own registration");
  const message = computeEndorsedBytes(statement.type, origin, claims.content, statement.expectedVersion);
  await verifySignature(key, own.signature, message);
};

/** Make the keys of a new root count, and those that it leaves out end. */
const replaceRootKeys = (registers, content, index) => {
  const kept = new Set(content.keys.map(idOf));
  for (const key of registers.root?.keys ?? [])
    if (!kept.has(idOf(key))) setKey(registers, key, ROOT_ISSUER, index, false);
  for (const key of content.keys) setKey(registers, key, ROOT_ISSUER, index, true);
};

/** Make a key end, and remember since when it is not believed. */
const markCompromised = (registers, content, index) => {
  const known = registers.keys.get(idOf(content.key));
  const changes = { until: known.until ?? index, compromisedFrom: content.since };
  registers.keys.set(idOf(content.key), new RegisteredKey({ ...known, ...changes }));
};

/** Make a key count from this index on, or end at it; one that has ended stays so. */
const setKey = (registers, key, owner, index, active) => {
  const known = registers.keys.get(idOf(key));
  const until = active ? null : index;
  if (!known)
    registers.keys.set(idOf(key), new RegisteredKey({ key, owner, since: index, until, compromisedFrom: null }));
  else if (!active && known.until === null) registers.keys.set(idOf(key), new RegisteredKey({ ...known, until }));
};

/** Make an owner's new key count, and the one that it takes the place of end. */
const moveKey = (registers, before, now, owner, index, active) => {
  if (before !== null && before !== now) setKey(registers, before, owner, index, false);
  if (now !== null) setKey(registers, now, owner, index, active);
};
