// Every institution, key and scope that the log knew at one checkpoint, with proofs: ledger/core/trust.py.
import { parseCanonicalJson } from "./canonical.js";
import { verifyCheckpoint } from "./checkpoint.js";
import { openCosignatures } from "./cosignature.js";
import { PolicyMismatchError, VerificationError } from "./errors.js";
import { establish, parseEvidence, verifyEvidenceInclusion } from "./evidence.js";
import { Reader } from "./fields.js";
import { MAX_NOTE_BYTES, NoteVerifier } from "./note.js";

/** Longest trust list, in bytes. */
export const MAX_TRUST_BYTES = 64 * 1024 * 1024;

/** Parse a trust list: `origin`, `checkpoint`, `evidence`. */
export const parseTrustList = (raw) => {
  const reader = new Reader(parseCanonicalJson(raw, { maxBytes: MAX_TRUST_BYTES }), "trust");
  reader.text("type", { maxBytes: 40, pattern: "hengzheng/trust/v1" });
  const trust = {
    origin: reader.text("origin", { maxBytes: 120 }),
    checkpoint: reader.lines("checkpoint", { maxBytes: MAX_NOTE_BYTES }),
    evidence: parseEvidence(reader.object("evidence")),
  };
  reader.finish();
  return Object.freeze(trust);
};

/** Verify a trust list and return what it establishes, and as of which checkpoint. */
export const openTrustList = async (trust, policy) => {
  if (trust.origin !== policy.origin) throw new PolicyMismatchError(`this is of the log ${trust.origin}`);
  const checkpoint = await openCheckpoint(trust.checkpoint, policy);
  return [(await openEvidence(trust.evidence, checkpoint, policy)).registers, checkpoint];
};

/** The checkpoint in a signed note, with no false line of anybody that the policy knows. */
export const openCheckpoint = async (note, policy) => {
  const checkpoint = await openSignedCheckpoint(note, policy);
  await openPolicyCosignatures(note, policy);
  return checkpoint;
};

/** The checkpoint in a signed note; lines of witnesses are not looked at. */
export const openSignedCheckpoint = async (note, policy) => {
  const checkpoint = await verifyCheckpoint(note, new NoteVerifier(policy.origin, policy.logKey));
  if (checkpoint.treeSize > Number.MAX_SAFE_INTEGER) throw new VerificationError("more leaves than any index reaches");
  return checkpoint;
};

/** What the policy's witnesses have signed of a note, by lines and by certificates, whoever else has. */
export const openPolicyCosignatures = async (note, policy) => {
  if (policy.witnesses === null) return [];
  const { witnesses, bls } = policy.witnesses;
  const lines = await openCosignatures(note, witnesses);
  if (!bls.length) return lines;
  const { openCertificates } = await import("./quorum_certificate.js"); // few policies have such witnesses
  return [...lines, ...(await openCertificates(note, bls))];
};

/** Verify authority evidence under a verified checkpoint and return what it establishes as of that checkpoint. */
export const openEvidence = async (evidence, checkpoint, policy) => {
  verifyEvidenceInclusion(evidence, checkpoint.treeSize, checkpoint.rootHash);
  const established = await establish(evidence, policy.origin, policy.rootDigest);
  if (established.registers.root?.logKey !== policy.logKey)
    throw new VerificationError("the root names another log key than the policy");
  return established;
};
