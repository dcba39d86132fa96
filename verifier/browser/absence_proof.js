// Proof that the ledger lacks something, and what follows from it: ledger/core/absence_proof.py, verifier/absence_proof.py.
import { parseOptionalReceipt } from "./bundle.js";
import { parseCanonicalJson } from "./canonical.js";
import { fromError } from "./checks.js";
import { encodeHex, parseBase64 } from "./encoding.js";
import { refuse, VerificationError } from "./errors.js";
import { certificateSubject, instrumentSubject, placementSubject, registrationSubject } from "./event.js";
import { parseEvidence } from "./evidence.js";
import { Reader } from "./fields.js";
import { openMapProof } from "./map_proof.js";
import { MAX_NOTE_BYTES } from "./note.js";
import { requireOrigin } from "./policy.js";
import { Plain } from "./register_fields.js";
import { attempt } from "./session.js";
import { judgeShown, openState, reportState } from "./state_proof.js";
import { ID_PATTERN } from "./statement.js";
import { passed, Step } from "./step.js";

const MAX_ABSENCE_PROOF_BYTES = 2 * 1024 * 1024;

/** A certificate, by its identity: `issuer, number`. */
export class MissingCertificate extends Plain {}

/** An instrument, or a part of one: `instrumentId, part`. */
export class MissingVerification extends Plain {}

/** What the ledger does not have. */
export const Absence = Object.freeze({
  NO_CERTIFICATE: "NO_CERTIFICATE",
  NO_INSTRUMENT: "NO_INSTRUMENT",
  NO_VERIFICATION: "NO_VERIFICATION",
});

/** Parse an absence proof, bytes, strictly; nothing in it is verified yet. */
export function parseAbsenceProof(raw) {
  const reader = new Reader(parseCanonicalJson(raw, { maxBytes: MAX_ABSENCE_PROOF_BYTES }), "absence_proof");
  reader.text("type", { maxBytes: 40, pattern: "hengzheng/absence-proof/v1" });
  const proof = {
    origin: reader.text("origin", { maxBytes: 120 }),
    checkpoint: reader.lines("checkpoint", { maxBytes: MAX_NOTE_BYTES }),
    missing: parseMissing(reader),
    evidence: parseEvidence(reader.object("evidence")),
    mapProof: parseBase64(reader.text("map", { maxBytes: MAX_ABSENCE_PROOF_BYTES })),
    receipt: parseOptionalReceipt(reader),
  };
  reader.finish();
  return Object.freeze(proof);
}

function parseMissing(reader) {
  const [certificate, instrument] = [reader.optObject("certificate"), reader.optObject("instrument")];
  if ((certificate === null) === (instrument === null)) {
    refuse("expected either a certificate or an instrument", "absence_proof");
  }
  const missing =
    certificate === null
      ? new MissingVerification({ instrumentId: instrument.hex("id", 16), part: instrument.optText("part", { maxBytes: 8 }) })
      : new MissingCertificate({
          issuer: certificate.text("issuer", { maxBytes: 12, pattern: ID_PATTERN }),
          number: certificate.text("number", { maxBytes: 64 }),
        });
  (certificate ?? instrument).finish();
  return missing;
}

/** The subjects whose states, or whose absence, a proof shows: what carries documents comes first. */
export function listMissingSubjects(missing) {
  if (missing instanceof MissingCertificate) return [certificateSubject(missing.issuer, missing.number)];
  const { instrumentId, part } = missing;
  const whole = part === null ? [] : [instrumentSubject(instrumentId)];
  const others = [registrationSubject(instrumentId), placementSubject(instrumentId, part)];
  return [instrumentSubject(instrumentId, part), ...whole, ...others];
}

/** [what the ledger does not have, the newest state of the instrument or part that was asked for]. */
export function showAbsence({ missing, mapProof }, established) {
  const proven = openMapProof(mapProof, established.mapRoot);
  const states = listMissingSubjects(missing).map((subject) => proven.find(subject));
  if (missing instanceof MissingCertificate) {
    if (states[0] === null) return [Absence.NO_CERTIFICATE, null];
    throw new VerificationError(`the ledger has this certificate since leaf ${states[0].lastEvent}`);
  }
  const documents = states.slice(0, missing.part === null ? 1 : 2).map((state) => state?.currentCertificate ?? null);
  const verified = documents.find((index) => index !== null);
  if (verified !== undefined) throw new VerificationError(`leaf ${verified} verifies this instrument`);
  const isUnknown = states.every((state) => state === null);
  return [isUnknown ? Absence.NO_INSTRUMENT : Absence.NO_VERIFICATION, states[0]];
}

/**
 * Check a proof of absence, offline unless `look` is given: {report, absence, state, opened}, `absence` null if it does
 * not hold.
 *
 * PolicyMismatchError: it is of another log.
 */
export async function verifyAbsenceProof(proof, session, now, look = null) {
  requireOrigin(session.policy, proof.origin);
  const [opened, found] = await openState(proof, null, session, now, look);
  const give = (report, absence, state = null) => ({ report, absence, state, opened });
  if (opened === null) return give(reportState(found, "INVALID", session, null, look), null);
  const [shown, error] = await attempt(() => showAbsence(proof, opened.established));
  if (error !== null) {
    found.push(fromError(Step.STATUS, error));
    return give(reportState(found, "INVALID", session, null, look), null);
  }
  const [absence, state] = shown;
  const note = describeAbsence(proof.missing, absence);
  found.push(passed(Step.AUTHORITY, "the registers lead to the pinned root", "登记信息可追溯至信任根"));
  found.push(judgeShown(note.en, note.zh, opened.age));
  const verdict = absence === Absence.NO_VERIFICATION ? "UNKNOWN" : "INVALID";
  return give(reportState(found, verdict, session, note, look), absence, state);
}

/** Say what the ledger does not have, in one sentence. */
function describeAbsence(missing, absence) {
  if (missing instanceof MissingCertificate) {
    const { issuer, number } = missing;
    return {
      en: `institution ${issuer} has no certificate ${number} in the ledger`,
      zh: `账本中没有机构${issuer}的证书${number}`,
    };
  }
  const [name, { part }] = [encodeHex(missing.instrumentId), missing];
  const en = part === null ? `instrument ${name} as a whole` : `part ${part} of instrument ${name}`;
  const zh = part === null ? `器具${name}（整机）` : `器具${name}的部件${part}`;
  if (absence === Absence.NO_INSTRUMENT) {
    return { en: `the ledger knows nothing of ${en}`, zh: `账本中没有${zh}的任何记录` };
  }
  return { en: `the ledger has no verification of ${en}`, zh: `账本中没有${zh}的检定记录` };
}
