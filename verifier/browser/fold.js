/** fold.py: what every leaf does to the state of its subjects, and who may do it; any other leaf is void. */
import { parseActContent } from "./act.js";
import { encodeHex, equalBytes } from "./encoding.js";
import { NO_CERTIFICATE } from "./entry.js";
import { BrokenSignatureError, InputError } from "./errors.js";
import { computeSubject, EventType, instrumentSubject, SubjectKind } from "./event.js";
import { judgeContent, judgeIssue, spread } from "./fold_documents.js";
import { judgeRegister } from "./fold_registers.js";
import { NoEffectError, refuseActs } from "./powers.js";
import { parseContent, registerSubject } from "./register_content.js";
import { ActClaims, IssueClaims, verifyStatement } from "./statement.js";
import { Status, Void } from "./status.js";

/** Verify the statement's signature and say what its leaf does at this index: an `Effect`, or a `Void`. */
export const judgeSignedEvent = async (signed, index, sequencedAt, registers, view, issues = refuseActs) => {
  if (signed.statement.type !== EventType.ROOT) {
    const known = registers.keys.get(encodeHex(signed.keyId));
    if (!known || registers.root === null) return new Void(findSubject(signed.statement), "the key is not registered");
    try {
      await verifyStatement(signed, known.key, registers.root.origin);
    } catch (error) {
      if (!(error instanceof BrokenSignatureError)) throw error;
      return new Void(findSubject(signed.statement), error.message);
    }
  }
  return judgeEvent(signed, index, sequencedAt, registers, view, issues);
};

/** As `judgeSignedEvent`, for a statement whose signature has been verified already. */
export const judgeEvent = async (signed, index, sequencedAt, registers, view, issues = refuseActs) => {
  const { statement } = signed;
  const { claims } = statement;
  try {
    if (claims instanceof IssueClaims)
      return spread(judgeIssue(statement, claims, signed.keyId, index, registers, view, issues), view, registers);
    if (claims instanceof ActClaims) {
      const content = parseActContent(statement.type, claims.content);
      return judgeContent(signed, content, index, sequencedAt, registers, view, issues);
    }
    return await judgeRegister(signed, claims, index, sequencedAt, registers, view);
  } catch (error) {
    if (![NoEffectError, InputError, BrokenSignatureError].some((kind) => error instanceof kind)) throw error;
    return new Void(findSubject(statement), error.message);
  }
};

/** Return the subject that a leaf's header names for this statement; unreadable contents are about themselves. */
export const findSubject = ({ type, claims }) => {
  if (claims instanceof IssueClaims) return instrumentSubject(claims.instrumentId, claims.part);
  try {
    if (claims instanceof ActClaims) return parseActContent(type, claims.content).subject;
    return registerSubject(parseContent(type, claims.content));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return computeSubject(SubjectKind.UNREADABLE, claims.content);
  }
};

/** Return the header that the log writes before this statement, given what the fold says of it. */
export const buildHeader = (signed, outcome, sequencedAtMs) => {
  const isVoid = outcome instanceof Void;
  return {
    type: signed.statement.type,
    status: isVoid ? Status.VOID : outcome.state.status,
    sequencedAtMs,
    subject: outcome.subject,
    prev: isVoid ? null : outcome.prev,
    version: isVoid ? 0 : outcome.state.version,
    statementLength: signed.raw.length,
    certificateDigest: signed.statement.claims.certificateDigest ?? NO_CERTIFICATE,
    statementDigest: signed.digest,
  };
};

/** Tell whether two headers are equal in every member. */
export const equalHeaders = (one, other) =>
  ["type", "status", "sequencedAtMs", "prev", "version", "statementLength"].every((name) => one[name] === other[name]) &&
  ["subject", "certificateDigest", "statementDigest"].every((name) => equalBytes(one[name], other[name]));
