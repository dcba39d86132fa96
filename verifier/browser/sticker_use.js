// What is said of a sticker, that it was put on something or taken off: ledger/core/sticker_use.py, reading only.
import { parseOptDecision } from "./act.js";
import { parseCanonicalJson } from "./canonical.js";
import { InputError } from "./errors.js";
import { EventType, instrumentSubject, placementSubject, stickerSubject } from "./event.js";
import { Reader } from "./fields.js";
import { Plain } from "./register_fields.js";
import { parseStickerId } from "./sticker.js";

const REASONS =
  "VERIFICATION_FAILED REPLACED DAMAGED LOST WRONG_INSTRUMENT TYPO INSTRUMENT_SCRAPPED COPIED COURT_OR_AUTHORITY_ORDER";
/** Why a sticker stands on an instrument no longer. */
export const StickerReason = Object.freeze(Object.fromEntries(REASONS.split(" ").map((name) => [name, name])));

/** A sticker was put on an instrument, or a part of one: `sticker, instrumentId, part, effectiveAt`. */
export class StickerBinding extends Plain {
  /** The sticker, which the statement is about. */
  get subject() {
    return stickerSubject(this.sticker);
  }

  /** The place for a sticker on this instrument, or this part. */
  get placement() {
    return placementSubject(this.instrumentId, this.part);
  }

  /** The instrument, or the part of it, whose state the sticker shows. */
  get instrument() {
    return instrumentSubject(this.instrumentId, this.part);
  }
}

/** A sticker stands there no longer: `binding` as it was, `reason`, `decision` or null. */
export class StickerRelease extends Plain {
  /** The sticker. */
  get subject() {
    return this.binding.subject;
  }
}

/** Parse a STICKER_BOUND content. */
export const parseBinding = (raw) => {
  const reader = new Reader(parseCanonicalJson(raw), "content");
  const content = parseMembers(reader);
  reader.finish();
  return content;
};

/** Parse a STICKER_UNBOUND content. */
export const parseRelease = (raw) => {
  const reader = new Reader(parseCanonicalJson(raw), "content");
  const content = new StickerRelease({
    binding: parseMembers(reader),
    reason: reader.enum("reason", StickerReason),
    decision: parseOptDecision(reader),
  });
  reader.finish();
  return content;
};

/** Parse what a statement of this type says of a sticker; null: it says nothing of one. */
export const parseStickerContent = (type, raw) => {
  if (type === EventType.STICKER_BOUND) return parseBinding(raw);
  return type === EventType.STICKER_UNBOUND ? parseRelease(raw) : null;
};

const parseMembers = (reader) =>
  new StickerBinding({
    sticker: parseStickerMember(reader),
    instrumentId: reader.hex("instrument", 16),
    part: reader.optText("part", { maxBytes: 8 }),
    effectiveAt: reader.instant("effective_at"),
  });

/** The member `sticker`, spelled as it is printed but for the hyphens. */
export const parseStickerMember = (reader) => {
  const text = reader.text("sticker", { maxBytes: 16 });
  let sticker;
  try {
    sticker = parseStickerId(text);
  } catch (error) {
    throw error instanceof InputError ? new error.constructor(error.reason, { field: reader.pathOf("sticker") }) : error;
  }
  return sticker === text ? text : reader.refuse("sticker", "expected 16 letters and digits in upper case, without hyphens");
};
