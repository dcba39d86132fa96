/** fold_documents.py, fold_lots.py, fold_links.py, fold_stickers.py: what documents, and what is said of them later, do. */
import { Act, findDecisionFault, LotContent, LotStatus, NamedInstrument, SameAs, Split, StickerBinding, StickerRelease } from "./act.js";
import { Trade } from "./authority.js";
import { encodeHex, parseHex } from "./encoding.js";
import { certificateSubject, EventType, instrumentSubject } from "./event.js";
import {
  checkDecider, checkInstitution, checkOwn, checkVersion, deny, requireTrade,
} from "./powers.js";
import { RegisterState } from "./register_fields.js";
import { Effect, findIssuedStatus, nameStatus, Status, SubjectState } from "./status.js";
import { findRoll, isOfRoll } from "./sticker.js";

const { VALID, FAILED, SUPERSEDED, CANCELLED, WITHDRAWN, SUSPENDED, NEEDS_REVERIFICATION, REGISTERED, ACTIVE, INACTIVE } = Status;
const STANDING = [VALID, FAILED, SUSPENDED];

/** Of each act on certificates: from which statuses it starts, and which follows; null: the same. */
const TRANSITIONS = {
  [EventType.SUPPLEMENT]: [STANDING, null],
  [EventType.WITHDRAW]: [STANDING, WITHDRAWN],
  [EventType.CANCEL]: [[VALID, SUSPENDED], CANCELLED],
  [EventType.SUSPEND]: [[VALID], SUSPENDED],
  [EventType.REINSTATE]: [[SUSPENDED, CANCELLED], VALID],
};
const { SUPPLEMENT, CANCEL, WITHDRAW, SUSPEND, REINSTATE, REVERIFY_NEEDED, OPENED_FOR_REPAIR } = EventType;
const ON_INSTRUMENTS = [REVERIFY_NEEDED, OPENED_FOR_REPAIR];
const INSTITUTION_ACTS = [SUPPLEMENT, WITHDRAW, SUSPEND, ...ON_INSTRUMENTS];
const AUTHORITY_ACTS = [CANCEL, SUSPEND, REINSTATE, REVERIFY_NEEDED];
const ADVERSE_ACTS = [CANCEL, SUSPEND, REVERIFY_NEEDED];

const next = (before, status, index) =>
  new SubjectState(status, (before?.version ?? 0) + 1, index, before?.currentCertificate ?? null);
const effectOf = (subject, before, changes, apply) =>
  new Effect(subject, before === null ? null : before.lastEvent, new Map(changes), apply);

/** Return what an issue, or a replacement, does; throws NoEffectError where it does nothing. */
export const judgeIssue = (statement, claims, keyId, index, registers, view, issues) => {
  const institution = checkInstitution(statement.issuer, keyId, index, registers);
  requireTrade(institution, Trade.VERIFICATION);
  const document = certificateSubject(institution.id, claims.number);
  if (view(document) !== null) deny(`number ${claims.number} is taken`);
  const subject = instrumentSubject(claims.instrumentId, claims.part);
  const before = view(subject);
  checkVersion(statement, before);
  let [status, newest] = [findIssuedStatus(claims), index];
  const changes = [[encodeHex(document), new SubjectState(status, 1, index, index)]];
  if (claims.predecessor !== null) {
    const { instrumentId, part } = claims;
    const replaced = new NamedInstrument({ issuer: institution.id, number: claims.predecessor, instrumentId, part });
    changes.push([encodeHex(replaced.certificate), supersede(replaced, claims, index, view, issues)]);
    if (status === VALID && before?.status === NEEDS_REVERIFICATION) status = NEEDS_REVERIFICATION;
  }
  if (!claims.isVerification)
    [status, newest] = before === null ? [REGISTERED, null] : [before.status, before.currentCertificate];
  changes.push([encodeHex(subject), new SubjectState(status, statement.expectedVersion + 1, index, newest)]);
  return effectOf(subject, before, changes);
};

/** Return the state of a certificate after it has been replaced. */
const supersede = (replaced, claims, index, view, issues) => {
  const [certificate, instrument] = findNamed(replaced, view, issues);
  if (claims.isVerification) requireNewest(replaced.number, certificate, instrument);
  else if (certificate.currentCertificate === instrument.currentCertificate)
    deny(`certificate ${replaced.number} is a verification: only a verification replaces it`);
  if (!STANDING.includes(certificate.status))
    deny(`certificate ${replaced.number} is ${nameStatus(certificate.status)}: it is not replaced`);
  return next(certificate, SUPERSEDED, index);
};

/** Return what an act does, provided that who speaks may. */
const judgeAct = (statement, act, index, view, issues) => {
  const [certificate, instrument] = findNamed(act, view, issues);
  checkVersion(statement, instrument);
  const changes = [];
  let { status } = instrument;
  if (ON_INSTRUMENTS.includes(statement.type)) {
    requireNewest(act.number, certificate, instrument);
    status = requireVerification(status);
  } else {
    const [allowed, left] = TRANSITIONS[statement.type];
    if (!allowed.includes(certificate.status))
      deny(`certificate ${act.number} is ${nameStatus(certificate.status)}: this act does not follow that`);
    const after = left ?? certificate.status;
    changes.push([encodeHex(act.certificate), next(certificate, after, index)]);
    const isCurrent = instrument.currentCertificate === certificate.currentCertificate;
    if (isCurrent && status !== NEEDS_REVERIFICATION) status = after;
  }
  changes.push([encodeHex(act.subject), next(instrument, status, index)]);
  return effectOf(act.subject, instrument, changes);
};

/** Return the states of a certificate and its instrument, if they belong together. */
const findNamed = (named, view, issues) => {
  const [certificate, instrument] = [view(named.certificate), view(named.subject)];
  if (certificate === null || certificate.currentCertificate === null)
    deny(`institution ${named.issuer} has no certificate ${named.number}`);
  if (instrument === null || encodeHex(issues(certificate.currentCertificate)) !== encodeHex(named.subject))
    deny(`certificate ${named.number} is about another instrument`);
  return [certificate, instrument];
};

/** Return the status of an instrument that must be verified again; what has failed stays failed. */
const requireVerification = (status) => (status === FAILED ? FAILED : NEEDS_REVERIFICATION);

const requireNewest = (number, certificate, instrument) => {
  if (instrument.currentCertificate !== certificate.currentCertificate)
    deny(`certificate ${number} is not the newest of its instrument`);
};

/** Require that who speaks may do this to certificates of this institution. */
const checkActor = (signed, act, index, sequencedAt, registers) => {
  const { statement } = signed;
  const byAuthority = registers.authorities.has(statement.issuer);
  if (byAuthority) {
    requireOneOf(AUTHORITY_ACTS, statement, "an authority");
    checkDecider(signed, [act.issuer], index, sequencedAt, registers);
  } else {
    const speaker = checkInstitution(statement.issuer, signed.keyId, index, registers);
    if (speaker.trade === Trade.VERIFICATION) {
      requireOneOf(INSTITUTION_ACTS, statement, "an institution");
      checkOwn(statement, act.issuer, `certificate ${act.number}`);
    } else {
      requireOneOf([OPENED_FOR_REPAIR], statement, `a registered ${speaker.trade}`);
      if (!registers.institutions.get(act.issuer)?.division.startsWith(speaker.division))
        deny(`${act.issuer} is not within the region of ${speaker.id}`);
    }
  }
  if ((act.document !== null) !== (statement.type === SUPPLEMENT))
    deny("a supplement names its document, and no other act does");
  requireDecision(act.decision, byAuthority, ADVERSE_ACTS.includes(statement.type));
};

const requireOneOf = (acts, statement, who) => {
  if (!acts.includes(statement.type)) deny(`this act is not for ${who}`);
};

const requireDecision = (decision, byAuthority, isAdverse) => {
  const fault = findDecisionFault(decision, byAuthority, isAdverse);
  if (fault !== null) deny(fault);
};

// --- lots ---

const LOT_STATUSES = {
  [LotStatus.VALID]: VALID, [LotStatus.FAILED]: FAILED, [LotStatus.SUSPENDED]: SUSPENDED,
  [LotStatus.WITHDRAWN]: WITHDRAWN, [LotStatus.CANCELLED]: CANCELLED,
};
/** What may be said of a lot, and from which statuses; a lot of which nothing was said is VALID. */
const COMMON_LOTS = { [LotStatus.FAILED]: [VALID, SUSPENDED], [LotStatus.SUSPENDED]: [VALID] };
const INSTITUTION_LOTS = { ...COMMON_LOTS, [LotStatus.WITHDRAWN]: STANDING };
const AUTHORITY_LOTS = {
  ...COMMON_LOTS, [LotStatus.CANCELLED]: [VALID, SUSPENDED], [LotStatus.VALID]: [SUSPENDED, CANCELLED],
};

/** Return what is said of a lot. */
const judgeLot = (signed, content, index, sequencedAt, registers, view) => {
  const { statement } = signed;
  const before = view(content.subject);
  checkVersion(statement, before);
  const byAuthority = requireOwner(signed, [content.issuer], `lot ${content.number}`, index, sequencedAt, registers);
  requireDecision(content.decision, byAuthority, content.status !== LotStatus.VALID);
  const allowed =
    (byAuthority ? AUTHORITY_LOTS : INSTITUTION_LOTS)[content.status] ?? deny(`${content.status} is not for who speaks`);
  const status = before?.status ?? VALID;
  if (!allowed.includes(status)) deny(`lot ${content.number} is ${nameStatus(status)}: that does not follow`);
  const state = new SubjectState(LOT_STATUSES[content.status], statement.expectedVersion + 1, index, null);
  return effectOf(content.subject, before, [[encodeHex(content.subject), state]]);
};

/** Require an authority over these institutions, or the one institution that all of it is of; say which. */
const requireOwner = (signed, issuers, what, index, sequencedAt, registers) => {
  const { statement } = signed;
  if (registers.authorities.has(statement.issuer)) {
    checkDecider(signed, issuers, index, sequencedAt, registers);
    return true;
  }
  requireTrade(checkInstitution(statement.issuer, signed.keyId, index, registers), Trade.VERIFICATION);
  for (const issuer of issuers) checkOwn(statement, issuer, what);
  return false;
};

// --- links ---

const checkLinker = (signed, content, index, sequencedAt, registers) => {
  const isSplit = content instanceof Split;
  const issuers = [content.instrument.issuer, ...(isSplit ? [] : [content.other.issuer])];
  const byAuthority = requireOwner(signed, issuers, "a certificate that is named", index, sequencedAt, registers);
  requireDecision(content.decision, byAuthority, isSplit);
};

const listTwins = (registers, subject) => registers.twins.get(subject) ?? [];
const viewHex = (view, subject) => view(parseHex(subject));
const certificateOf = (state) => state.currentCertificate ?? -1;

/** Return what follows when two instruments are one. */
const judgeSameAs = (statement, content, index, view, issues, registers) => {
  const [first, second] = [encodeHex(content.subject), encodeHex(content.other.subject)];
  const instrument = findNamed(content.instrument, view, issues)[1];
  const other = findNamed(content.other, view, issues)[1];
  checkVersion(statement, instrument);
  if ([...listTwins(registers, first)].includes(second)) deny("the two are known to be the same");
  const group = new Set([first, second, ...listTwins(registers, first), ...listTwins(registers, second)]);
  const joint = join(instrument, other);
  const changes = [...group].sort().map((subject) => [subject, takeOver(viewHex(view, subject), joint, index)]);
  return effectOf(content.subject, instrument, changes, ({ twins }) => {
    for (const subject of group) twins.set(subject, new Set([...group].filter((twin) => twin !== subject)));
  });
};

/** Return the state, of two, that holds of both. */
const join = (one, other) => {
  const [newest, older] = certificateOf(one) >= certificateOf(other) ? [one, other] : [other, one];
  const hasChanged = older.lastEvent > certificateOf(newest);
  if (!hasChanged || ![FAILED, NEEDS_REVERIFICATION].includes(older.status)) return newest;
  return { ...newest, status: requireVerification(newest.status) };
};

const takeOver = (before, joint, index) =>
  new SubjectState(joint.status, (before?.version ?? 0) + 1, index, joint.currentCertificate);

/** Return what follows when one instrument is several. */
const judgeSplit = (statement, content, index, view, issues, registers) => {
  const { subject } = content;
  const instrument = findNamed(content.instrument, view, issues)[1];
  checkVersion(statement, instrument);
  const name = encodeHex(subject);
  const into = content.into.map((id) => encodeHex(instrumentSubject(id, content.instrument.part)));
  const touched = [...new Set([name, ...listTwins(registers, name), ...into])].sort();
  const changes = touched.map((item) => {
    const before = viewHex(view, item);
    return [item, next(before, before === null ? NEEDS_REVERIFICATION : requireVerification(before.status), index)];
  });
  return effectOf(subject, instrument, changes, ({ twins }) => {
    for (const twin of [...(twins.get(name) ?? []), name]) twins.delete(twin);
  });
};

/** Return an event's effect with what it does to the instruments that are the same as its own. */
export const spread = (effect, view, registers) => {
  const changes = new Map(effect.changes);
  for (const twin of [...listTwins(registers, encodeHex(effect.subject))].sort())
    changes.set(twin, takeOver(viewHex(view, twin), effect.state, effect.state.lastEvent));
  return new Effect(effect.subject, effect.prev, changes, effect.apply);
};

// --- registrations and stickers ---

const requireVerifier = (signed, index, registers) =>
  requireTrade(checkInstitution(signed.statement.issuer, signed.keyId, index, registers), Trade.VERIFICATION);

const mark = (before, status, index) => new SubjectState(status, (before?.version ?? 0) + 1, index, null);

/** Return what a registration of an instrument does: it is the newest, and nothing else changes. */
const judgeRegistration = (signed, { subject }, index, view, registers) => {
  requireVerifier(signed, index, registers);
  const before = view(subject);
  checkVersion(signed.statement, before);
  return effectOf(subject, before, [[encodeHex(subject), mark(before, ACTIVE, index)]]);
};

/** Return what a binding does, if the sticker is this institution's. */
const judgeBinding = (signed, content, index, view, registers) => {
  requireVerifier(signed, index, registers);
  const roll = requireRoll(content.sticker, registers);
  checkOwn(signed.statement, roll.institution, `roll ${roll.roll}`);
  if (roll.state !== RegisterState.ACTIVE) deny(`roll ${roll.roll} is ${roll.state}: none of its stickers is bound`);
  const before = view(content.subject);
  checkVersion(signed.statement, before);
  if (before?.status === ACTIVE) deny(`sticker ${content.sticker} stands on an instrument already`);
  const { placement } = content;
  return effectOf(content.subject, before, [
    [encodeHex(content.subject), mark(before, ACTIVE, index)],
    [encodeHex(placement), mark(view(placement), ACTIVE, index)],
  ]);
};

/** Return what a release does, if the sticker is bound. */
const judgeRelease = (signed, content, index, sequencedAt, view, registers) => {
  checkReleaser(signed, content, index, sequencedAt, registers);
  const [before, placed] = [view(content.subject), view(content.placement)];
  checkVersion(signed.statement, before);
  if (before?.status !== ACTIVE) deny(`sticker ${content.sticker} stands on no instrument`);
  if (placed === null || placed.lastEvent < before.lastEvent)
    deny(`sticker ${content.sticker} stands on another instrument`);
  const changes = [[encodeHex(content.subject), mark(before, INACTIVE, index)]];
  if (placed.lastEvent === before.lastEvent)
    changes.push([encodeHex(content.placement), mark(placed, INACTIVE, index)]);
  return effectOf(content.subject, before, changes);
};

const requireRoll = (sticker, registers) => {
  const roll = registers.rolls.get(findRoll(sticker));
  return roll && isOfRoll(sticker, roll) ? roll : deny(`sticker ${sticker} was never given out`);
};

/** Require the institution that the roll was allotted to, or an authority over it with its decision. */
const checkReleaser = (signed, content, index, sequencedAt, registers) => {
  const roll = requireRoll(content.sticker, registers);
  const byAuthority = requireOwner(signed, [roll.institution], `roll ${roll.roll}`, index, sequencedAt, registers);
  requireDecision(content.decision, byAuthority, true);
};

/** Return what is done by a content that one key signs alone. */
export const judgeContent = (signed, content, index, sequencedAt, registers, view, issues) => {
  const { statement } = signed;
  if (content instanceof Act) {
    checkActor(signed, content, index, sequencedAt, registers);
    return spread(judgeAct(statement, content, index, view, issues), view, registers);
  }
  if (content instanceof LotContent) return judgeLot(signed, content, index, sequencedAt, registers, view);
  if (content instanceof SameAs) {
    checkLinker(signed, content, index, sequencedAt, registers);
    const judge = content instanceof Split ? judgeSplit : judgeSameAs;
    return judge(statement, content, index, view, issues, registers);
  }
  if (content instanceof StickerRelease)
    return judgeRelease(signed, content, index, sequencedAt, view, registers);
  if (content instanceof StickerBinding) return judgeBinding(signed, content, index, view, registers);
  return judgeRegistration(signed, content, index, view, registers);
};
