// What a leaf does to the state of its subjects, and who may do it: ledger/core/fold.py, with the issues of
// fold_documents.py. Acts, lots, links and stickers are not judged here: neither evidence nor a document is one.
import { Trade } from "./authority.js";
import { encodeHex, equalBytes } from "./encoding.js";
import { NO_CERTIFICATE } from "./entry.js";
import { BrokenSignatureError, InputError } from "./errors.js";
import { certificateSubject, computeSubject, EventType, instrumentSubject, SubjectKind } from "./event.js";
import { judgeRegister } from "./fold_registers.js";
import { checkInstitution, checkVersion, deny, NoEffectError } from "./powers.js";
import { parseContent, registerSubject } from "./register_content.js";
import { IssueClaims, RegisterClaims, verifyStatement } from "./statement.js";
import { Effect, findIssuedStatus, Status, SubjectState, Void } from "./status.js";

const NOT_JUDGED = "acts are not judged here";
const refuseActs = () => deny(NOT_JUDGED);

/** Verify the statement's signature and say what its leaf does at this index: an `Effect`, or a `Void`. */
export const judgeSignedEvent = async (signed, index, sequencedAt, registers, view, issues) => {
  if (signed.statement.type !== EventType.ROOT) {
    const known = registers.keys.get(encodeHex(signed.keyId));
    if (!known || registers.root === null) return new Void(findSubject(signed.statement), "the key is not registered");
    try {
      await verifyStatement(signed, known.key, registers.root.origin);
    } catch (error) {
      return giveVoid(signed.statement, error);
    }
  }
  return judgeEvent(signed, index, sequencedAt, registers, view, issues);
};

/** As `judgeSignedEvent`, for a statement whose signature has been verified already. */
export const judgeEvent = async (signed, index, sequencedAt, registers, view, issues = refuseActs) => {
  const { claims } = signed.statement;
  try {
    if (claims instanceof IssueClaims) return judgeIssue(signed, claims, index, registers, view, issues);
    if (!(claims instanceof RegisterClaims)) refuseActs();
    return await judgeRegister(signed, claims, index, sequencedAt, registers, view);
  } catch (error) {
    return giveVoid(signed.statement, error);
  }
};

const giveVoid = (statement, error) => {
  if (![NoEffectError, InputError, BrokenSignatureError].some((kind) => error instanceof kind)) throw error;
  return new Void(findSubject(statement), error.message);
};

/** The subject that a leaf's header names for this statement; what cannot be read, or judged, is about itself. */
export const findSubject = ({ type, claims }) => {
  if (claims instanceof IssueClaims) return instrumentSubject(claims.instrumentId, claims.part);
  try {
    return registerSubject(parseContent(type, claims.content));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return computeSubject(SubjectKind.UNREADABLE, claims.content);
  }
};

/** What an issue, or a replacement, does. */
const judgeIssue = ({ statement, keyId }, claims, index, registers, view, issues) => {
  const institution = checkInstitution(statement.issuer, keyId, index, registers, Trade.VERIFICATION);
  const document = certificateSubject(institution.id, claims.number);
  if (view(document) !== null) deny(`number ${claims.number} is taken`);
  const subject = instrumentSubject(claims.instrumentId, claims.part);
  const before = view(subject);
  checkVersion(statement, before);
  let [status, newest] = [findIssuedStatus(claims), index];
  const changes = new Map([[encodeHex(document), new SubjectState(status, 1, index, index)]]);
  if (claims.predecessor !== null) {
    const replaced = certificateSubject(institution.id, claims.predecessor);
    changes.set(encodeHex(replaced), supersede(claims, view(replaced), before, subject, index, issues));
    // a replacement corrects a paper; nobody has verified again
    if (status === Status.VALID && before?.status === Status.NEEDS_REVERIFICATION) ({ status } = before);
  }
  if (!claims.isVerification) {
    [status, newest] = before === null ? [Status.REGISTERED, null] : [before.status, before.currentCertificate];
  }
  changes.set(encodeHex(subject), new SubjectState(status, statement.expectedVersion + 1, index, newest));
  return new Effect(subject, before === null ? null : before.lastEvent, changes);
};

/** The state of a certificate after it has been replaced. */
const supersede = ({ predecessor, isVerification }, certificate, instrument, subject, index, issues) => {
  const current = certificate?.currentCertificate ?? deny(`there is no certificate ${predecessor}`);
  if (instrument === null || !equalBytes(issues(current), subject)) {
    deny(`certificate ${predecessor} is about another instrument`);
  }
  if (isVerification !== (instrument.currentCertificate === current)) {
    deny(`certificate ${predecessor} is ${isVerification ? "not the newest of its instrument" : "a verification"}`);
  }
  const { status, version } = certificate;
  if (![Status.VALID, Status.FAILED, Status.SUSPENDED].includes(status)) deny(`certificate ${predecessor} is not replaced`);
  return new SubjectState(Status.SUPERSEDED, version + 1, index, current);
};

/** The header that the log writes before this statement, given what the fold says of it. */
export const buildHeader = (signed, outcome, sequencedAtMs) => {
  const [state, prev] = outcome instanceof Void ? [{ status: Status.VOID, version: 0 }, null] : [outcome.state, outcome.prev];
  return {
    type: signed.statement.type,
    status: state.status,
    sequencedAtMs,
    subject: outcome.subject,
    prev,
    version: state.version,
    statementLength: signed.raw.length,
    certificateDigest: signed.statement.claims.certificateDigest ?? NO_CERTIFICATE,
    statementDigest: signed.digest,
  };
};

/** Whether two headers are equal in every member. */
export const equalHeaders = (one, other) =>
  Object.keys(one).every((name) =>
    one[name] instanceof Uint8Array ? equalBytes(one[name], other[name]) : one[name] === other[name],
  );
