// Proof of how a sticker stands, reading only: ledger/core/sticker_proof.py. What follows from it: sticker_verdict.js.
import { parseEarlier, parseInclusion, parseOptionalReceipt } from "./bundle.js";
import { parseCanonicalJson } from "./canonical.js";
import { equalBytes, parseBase64 } from "./encoding.js";
import { parseLeaf } from "./entry.js";
import { VerificationError } from "./errors.js";
import { instrumentSubject, rollSubject, stickerSubject } from "./event.js";
import { parseEvidence } from "./evidence.js";
import { Reader } from "./fields.js";
import { buildHeader, equalHeaders } from "./fold.js";
import { judgeSticker } from "./fold_stickers.js";
import { openMapProof } from "./map_proof.js";
import { MAX_NOTE_BYTES } from "./note.js";
import { Plain } from "./register_fields.js";
import { ActClaims, parseSignedStatement } from "./statement.js";
import { Effect, equalStates, Status, SubjectState } from "./status.js";
import { findNumber, findRoll, isOfRoll } from "./sticker.js";
import { parseStickerContent, parseStickerMember, StickerRelease } from "./sticker_use.js";

const MAX_STICKER_PROOF_BYTES = 2 * 1024 * 1024;
const HEADER_BYTES = 128;

const named = (names) => Object.freeze(Object.fromEntries(names.split(" ").map((name) => [name, name])));
/** How a sticker stands. */
export const StickerStanding = named("NEVER_GIVEN_OUT UNUSED BOUND REPLACED RELEASED");
/** Why an id was never given out. */
export const MadeUp = named("NO_ROLL NO_NUMBER WRONG_TAG");

/** `sticker, standing, madeUp, roll, binding, reason, event, since, speaker, instrument, whole`; null what does not apply. */
export class ShownSticker extends Plain {
  constructor(members) {
    const nothing = { madeUp: null, roll: null, binding: null, reason: null, event: null };
    super({ ...nothing, since: null, speaker: null, instrument: null, whole: null, ...members });
  }
}

/** Parse a sticker proof, bytes, strictly; nothing in it is verified yet. */
export function parseStickerProof(raw) {
  const reader = new Reader(parseCanonicalJson(raw, { maxBytes: MAX_STICKER_PROOF_BYTES }), "sticker_proof");
  reader.text("type", { maxBytes: 40, pattern: "hengzheng/sticker-proof/v1" });
  const proof = {
    origin: reader.text("origin", { maxBytes: 120 }),
    checkpoint: reader.lines("checkpoint", { maxBytes: MAX_NOTE_BYTES }),
    sticker: parseStickerMember(reader),
    evidence: parseEvidence(reader.object("evidence")),
    event: parseEvent(reader.optObject("event")),
    mapProof: parseBase64(reader.text("map", { maxBytes: MAX_STICKER_PROOF_BYTES })),
    receipt: parseOptionalReceipt(reader),
  };
  reader.finish();
  return Object.freeze(proof);
}

/** The last thing that happened to a sticker, and its place in the log; null where nothing has happened. */
function parseEvent(reader) {
  if (reader === null) return null;
  const leaf = parseBase64(reader.text("leaf", { maxBytes: 87_380 }));
  const event = {
    ...parseLeaf(leaf),
    headerRaw: leaf.slice(0, HEADER_BYTES),
    leafIndex: reader.integer("index", 0, Number.MAX_SAFE_INTEGER),
    inclusion: parseInclusion(reader),
    earlier: parseEarlier(reader.optObject("earlier")),
  };
  reader.finish();
  return Object.freeze(event);
}

/** What a statement says of a sticker. */
export function readStickerEvent({ statement: { type, claims } }) {
  const content = claims instanceof ActClaims ? parseStickerContent(type, claims.content) : null;
  return content ?? refuse("the leaf says nothing of a sticker");
}

/** What a proof shows, whose evidence, and whose event's place and signature, have been verified; `before`: registers then. */
export function showSticker(proof, established, before) {
  const proven = openMapProof(proof.mapProof, established.mapRoot);
  const { sticker, event } = proof;
  const roll = established.registers.rolls.get(findRoll(sticker)) ?? null;
  if ((proven.find(rollSubject(findRoll(sticker))) === null) !== (roll === null)) {
    refuse("the evidence and the status map disagree about the roll");
  }
  const madeUp = findMadeUp(sticker, roll);
  if (madeUp !== null) {
    if (event !== null) refuse("the file has an event of a sticker that was never given out");
    return new ShownSticker({ sticker, standing: StickerStanding.NEVER_GIVEN_OUT, madeUp, roll });
  }
  const state = proven.find(stickerSubject(sticker));
  if (event !== null) return showEvent(sticker, event, roll, state, proven, before);
  if (state !== null) refuse(`the file leaves out leaf ${state.lastEvent}, which says where the sticker stands`);
  return new ShownSticker({ sticker, standing: StickerStanding.UNUSED, roll });
}

/** Why an id was never given out; null: it was. */
export function findMadeUp(sticker, roll) {
  if (roll === null) return MadeUp.NO_ROLL;
  if (isOfRoll(sticker, roll)) return null;
  return findNumber(sticker) < roll.count ? MadeUp.WRONG_TAG : MadeUp.NO_NUMBER;
}

function showEvent(sticker, event, roll, state, proven, before) {
  const signed = parseSignedStatement(event.statementRaw);
  const content = readStickerEvent(signed);
  const isRelease = content instanceof StickerRelease;
  const binding = isRelease ? content.binding : content;
  const { header, leafIndex } = event;
  if (binding.sticker !== sticker) refuse(`leaf ${leafIndex} is about another sticker`);
  requireEffect(event, signed, content, binding, before);
  if (!equalStates(state, new SubjectState(header.status, header.version, leafIndex, null))) {
    refuse(`the status map does not have leaf ${leafIndex} as the last event of this sticker`);
  }
  return new ShownSticker({
    sticker,
    standing: findStanding(isRelease, leafIndex, proven.find(binding.placement)),
    roll,
    binding,
    reason: isRelease ? content.reason : null,
    event: leafIndex,
    since: header.sequencedAtMs,
    speaker: signed.statement.issuer,
    instrument: proven.find(binding.instrument),
    whole: binding.part === null ? null : proven.find(instrumentSubject(binding.instrumentId)),
  });
}

/** Require that the fold gives the leaf the effect that its header states. */
function requireEffect({ header, leafIndex }, signed, content, binding, before) {
  const at = header.sequencedAtMs;
  const outcome = judgeSticker(signed, content, leafIndex, at, before, viewBefore(header, signed, binding));
  if (!(outcome instanceof Effect)) refuse(`leaf ${leafIndex} has no effect: ${outcome.reason}`);
  const isLater = header.prev === null || header.prev < leafIndex;
  if (!isLater || !equalHeaders(buildHeader(signed, outcome, at), header)) {
    refuse(`leaf ${leafIndex} contradicts its own header`);
  }
}

/** See sticker and place as the statement expects them; that it was so is for the status map to prove. */
function viewBefore({ status, prev }, { statement: { expectedVersion: version } }, binding) {
  if (version === 0 || prev === null) return () => null;
  const own = new SubjectState(status === Status.INACTIVE ? Status.ACTIVE : Status.INACTIVE, version, prev, null);
  const place = new SubjectState(Status.ACTIVE, version, prev, null);
  const known = [[binding.subject, own], [binding.placement, place]];
  return (subject) => known.find(([one]) => equalBytes(one, subject))?.[1] ?? null;
}

function findStanding(isRelease, index, place) {
  if (place === null) refuse("the status map does not know the place of a sticker that was put on");
  if (isRelease) return StickerStanding.RELEASED;
  if (place.lastEvent > index) return StickerStanding.REPLACED;
  if (place.lastEvent < index || place.status !== Status.ACTIVE) {
    refuse("the status map contradicts the binding of the sticker");
  }
  return StickerStanding.BOUND;
}

const refuse = (why) => {
  throw new VerificationError(why);
};
