// The register leaves on which an institution's authority rests, under one checkpoint: ledger/core/evidence.py.
import { encodeHex, equalBytes, narrow, parseBase64, parseHex } from "./encoding.js";
import { parseLeaf, readTime } from "./entry.js";
import { InclusionProofError, VerificationError } from "./errors.js";
import { EventType } from "./event.js";
import { buildHeader, equalHeaders, judgeSignedEvent } from "./fold.js";
import { openMapProof } from "./map_proof.js";
import { getMapRoot, requireMaphead } from "./maphead.js";
import { hashLeaf, verifyMultiProof } from "./merkle.js";
import { Plain } from "./register_fields.js";
import { sha256 } from "./sha256.js";
import { parseSignedStatement, RegisterClaims } from "./statement.js";
import { Effect, equalStates, Registers } from "./status.js";

const MAX_LEAVES = 100_000;
const LEAF_TEXT = { maxBytes: 87_380 }; // base64 of 65,535 bytes
const MAP_TEXT = { maxBytes: 44_739_244 }; // base64 of 32 MiB

/** Register `leaves` [index, bytes] by ascending index, `maphead`, and one batched `proof` for all; `mapProof`. */
export class Evidence extends Plain {}

/** What evidence establishes once it has been verified: `registers`, `mapRoot`, `proven`, `statedAt`. */
export class Established extends Plain {}

/** Parse authority evidence. */
export const parseEvidence = (reader) => {
  const leaves = reader.objects("leaves", { least: 1, most: MAX_LEAVES }).map(parseIndexedLeaf);
  const texts = reader.texts("proof", { maxBytes: 44, most: 64 * MAX_LEAVES });
  const proof = texts.map((text) => parseBase64(text, { size: 32 }));
  if (leaves.some(([index], at) => at && leaves[at - 1][0] >= index))
    reader.refuse("leaves", "expected leaves by ascending index");
  const maphead = parseBase64(reader.text("maphead", LEAF_TEXT));
  const mapProof = parseBase64(reader.text("map", MAP_TEXT));
  reader.finish();
  return new Evidence({ leaves, maphead, proof, mapProof });
};

const parseIndexedLeaf = (reader) => {
  const index = reader.integer("index", 0, Number.MAX_SAFE_INTEGER);
  const leaf = parseBase64(reader.text("leaf", LEAF_TEXT));
  reader.finish();
  return Object.freeze([index, leaf]);
};

/** Check that every leaf stands in the tree at its index, the MAPHEAD at the last one. */
export const verifyEvidenceInclusion = (evidence, treeSize, rootHash) => {
  const [last, { leaves }] = [narrow(BigInt(treeSize) - 1n), evidence];
  if (leaves[leaves.length - 1][0] >= last)
    throw new InclusionProofError("the evidence has a register leaf where the status map is stated");
  const hashes = new Map(leaves.map(([index, leaf]) => [index, hashLeaf(leaf)]));
  verifyMultiProof(hashes.set(last, hashLeaf(evidence.maphead)), treeSize, evidence.proof, rootHash);
};

/** Fold all leaves, whose inclusion is verified, and check with the status map that they are all there are. */
export const establish = async (evidence, origin, rootDigest) => {
  const header = requireMaphead(evidence.maphead);
  const [registers, states] = await fold(evidence, origin, rootDigest, null);
  if (header.sequencedAtMs < timeAt(evidence, evidence.leaves.length - 1))
    throw new VerificationError("the last leaf under the checkpoint is dated before an earlier leaf");
  const mapRoot = getMapRoot(header);
  const proven = openMapProof(evidence.mapProof, mapRoot);
  const stale = [...states].find(([subject, state]) => !equalStates(proven.find(parseHex(subject)), state));
  if (stale) refuseLeaf(stale[1].lastEvent, "is not the last of its subject, which has changed since");
  return new Established({ registers, mapRoot, proven, statedAt: header.sequencedAtMs });
};

/** Fold the leaves, whose inclusion is verified, up to the index `before`, and return what they establish. */
export const foldEvidence = async (evidence, origin, rootDigest, { before = null } = {}) => {
  const folded = FOLDED.get(evidence);
  if (before === null || !folded || !equalBytes(folded.rootDigest, rootDigest))
    return (await fold(evidence, origin, rootDigest, before))[0];
  const registers = new Registers();
  for (const [index, apply] of folded.changes) if (index < before) apply(registers);
  return requireLog(registers, origin);
};

/** What was found good as a whole is not judged again up to an earlier leaf: that leaf does not change it. */
const FOLDED = new WeakMap();

const fold = async (evidence, origin, rootDigest, before) => {
  const [registers, states, changes] = [new Registers(), new Map(), []];
  let [isPinned, newest] = [false, 0];
  for (const [index, raw] of evidence.leaves) {
    const { header, statementRaw } = parseLeaf(raw);
    if (header.sequencedAtMs < newest) refuseLeaf(index, "is dated before an earlier leaf");
    newest = header.sequencedAtMs;
    const signed = parseSignedStatement(statementRaw);
    const { type, claims } = signed.statement;
    if (!(claims instanceof RegisterClaims)) refuseLeaf(index, "is not a register event");
    if (type === EventType.ROOT && equalBytes(sha256(claims.content), rootDigest)) isPinned = true;
    if (before !== null && index >= before) continue;
    changes.push([index, await foldLeaf(index, header, signed, registers, states)]);
  }
  if (!isPinned) throw new VerificationError("the root that the policy pins is not in the authority evidence");
  requireLog(registers, origin);
  if (before === null) FOLDED.set(evidence, { rootDigest, changes });
  return [registers, states];
};

const requireLog = (registers, origin) => {
  if (registers.root?.origin !== origin)
    throw new VerificationError("the authority evidence does not begin with this log's root");
  return registers;
};

/** Fold one leaf, and return what it changes in registers. */
const foldLeaf = async (index, header, signed, registers, states) => {
  const view = (subject) => states.get(encodeHex(subject)) ?? null;
  const outcome = await judgeSignedEvent(signed, index, header.sequencedAtMs, registers, view);
  if (!(outcome instanceof Effect)) refuseLeaf(index, `has no effect: ${outcome.reason}`);
  if (!equalHeaders(buildHeader(signed, outcome, header.sequencedAtMs), header))
    refuseLeaf(index, "contradicts its own header");
  for (const [subject, state] of outcome.changes) states.set(subject, state);
  outcome.apply(registers);
  return outcome.apply;
};

/** Check that a leaf's time lies between those of its neighbours in evidence that was found good. */
export const verifySequence = (evidence, index, sequencedAtMs) => {
  const { leaves } = evidence;
  const found = leaves.findIndex(([each]) => each >= index);
  const at = found < 0 ? leaves.length : found;
  const late = (place) => {
    throw new VerificationError(`leaf ${index} is dated ${place}`);
  };
  if (at > 0 && sequencedAtMs < timeAt(evidence, at - 1)) late(`before the earlier leaf ${leaves[at - 1][0]}`);
  if (at < leaves.length && sequencedAtMs > timeAt(evidence, at)) late(`after the later leaf ${leaves[at][0]}`);
  if (sequencedAtMs > readTime(evidence.maphead)) late("after the last leaf under the checkpoint");
};

const timeAt = (evidence, position) => readTime(evidence.leaves[position][1]);

const refuseLeaf = (index, why) => {
  throw new VerificationError(`authority leaf ${index} ${why}`);
};
