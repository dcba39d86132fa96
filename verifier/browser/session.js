// What one run of the verifier believes: verifier/session.py. It lasts for one document, and remembers nothing.
import { verifyReceipt } from "./anchor.js";
import { encodeHex, equalBytes } from "./encoding.js";
import { InputError, VerificationError } from "./errors.js";
import { foldEvidence } from "./evidence.js";
import { StandardContent } from "./standard.js";
import { openEvidence, openPolicyCosignatures, openSignedCheckpoint, openTrustList } from "./trust.js";

/** Return [value, null], or [null, error] where evidence or input does not hold; other errors are faults. */
export async function attempt(compute) {
  try {
    return [await compute(), null];
  } catch (error) {
    if (error instanceof InputError || error instanceof VerificationError) return [null, error];
    throw error;
  }
}

/** Policy, rule book, and what the trust list establishes: [registers, checkpoint], or null without one. */
export class Session {
  constructor(policy, ruleBook, trusted) {
    Object.assign(this, { policy, ruleBook, trusted });
  }

  /** Return a session; InputError or VerificationError where the trust list does not hold. */
  static async open(policy, ruleBook, trustList) {
    return new Session(policy, ruleBook, trustList === null ? null : await openTrustList(trustList, policy));
  }

  /** Return the checkpoint in a note signed by the policy's log, of which no other state of its size is known. */
  async openCheckpoint(note) {
    const checkpoint = await openSignedCheckpoint(note, this.policy);
    const other = this.trusted?.[1];
    if (other?.treeSize === checkpoint.treeSize && !equalBytes(other.rootHash, checkpoint.rootHash)) {
      throw new VerificationError(`the log has signed two different states of ${checkpoint.treeSize} leaves`);
    }
    return checkpoint;
  }

  /** Return what the policy's witnesses have signed of a note. */
  openCosignatures(note) {
    return openPolicyCosignatures(note, this.policy);
  }

  /** Check that the policy's log key signed this receipt. */
  verifyReceipt(receipt) {
    return verifyReceipt(receipt, this.policy.logKey);
  }

  /** Return [registers at the document's position, what the evidence establishes in all]. */
  async openEvidence(bundle, checkpoint) {
    const { evidence, leafIndex } = bundle;
    const { origin, rootDigest } = this.policy;
    const newest = await openEvidence(evidence, checkpoint, this.policy);
    const { institutions } = newest.registers;
    const owners = newest.registers.listNewest(StandardContent).map((content) => content.institution);
    const known = new Set([bundle.certificate.record.issuer.id, ...owners]);
    const [stranger] = [...institutions.keys()].filter((id) => !known.has(id)).sort();
    if (stranger !== undefined) {
      throw new VerificationError(`the authority evidence is about other institutions too: ${stranger}`);
    }
    if (evidence.leaves.at(-1)[0] < leafIndex) return [newest.registers, newest];
    return [await foldEvidence(evidence, origin, rootDigest, { before: leafIndex }), newest];
  }

  /** Return [registers before the leaf `before`, or in all where that is null, what the evidence establishes in all]. */
  async openEvidenceAlone(evidence, checkpoint, before) {
    const { origin, rootDigest } = this.policy;
    const newest = await openEvidence(evidence, checkpoint, this.policy);
    if (before === null) return [newest.registers, newest];
    return [await foldEvidence(evidence, origin, rootDigest, { before }), newest];
  }

  /** Return from which leaf on the trust list says that a key no longer counts; null: it does not say. */
  findEndOfKey(keyId) {
    return this.trusted?.[0].keys.get(encodeHex(keyId))?.until ?? null;
  }

  /** Return since when a key counts as compromised, by evidence or trust list; null: never. */
  findCompromise(keyId, newest) {
    const registers = this.trusted === null ? [newest] : [newest, this.trusted[0]];
    const instants = registers.map((one) => one.keys.get(encodeHex(keyId))?.compromisedFrom ?? Infinity);
    const first = Math.min(...instants);
    return first === Infinity ? null : first;
  }
}
