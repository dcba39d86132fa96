/** act.py, act_content.py, link.py, lot.py, registration.py, sticker_use.py: contents that one key signs alone. */
import { parseCanonicalJson } from "./canonical.js";
import { parseCategory } from "./category.js";
import { encodeHex, parseHex } from "./encoding.js";
import { InputError } from "./errors.js";
import {
  certificateSubject, EventType, instrumentSubject, lotSubject, placementSubject, registrationSubject, stickerSubject,
} from "./event.js";
import { Reader } from "./fields.js";
import { openContent, parseDivision, parseInstitutionId, Plain } from "./register_fields.js";
import { parseStickerId } from "./sticker.js";

const codes = (text) => Object.freeze(Object.fromEntries(text.split(" ").map((code) => [code, code])));

export const ReasonCode = codes(
  "TYPO WRONG_INSTRUMENT WRONG_RESULT STANDARD_INVALID OUT_OF_SCOPE PERSON_UNQUALIFIED FAILED_SPOT_CHECK SEAL_BROKEN " +
    "REPAIRED INSTRUMENT_SCRAPPED RELOCATED FORGED KEY_COMPROMISED COURT_OR_AUTHORITY_ORDER CRM_RECALLED REG_MISAPPLIED",
);
const StickerReason = codes(
  "VERIFICATION_FAILED REPLACED DAMAGED LOST WRONG_INSTRUMENT TYPO INSTRUMENT_SCRAPPED COPIED COURT_OR_AUTHORITY_ORDER",
);
export const LotStatus = Object.freeze({
  VALID: "valid", FAILED: "failed", SUSPENDED: "suspended", WITHDRAWN: "withdrawn", CANCELLED: "cancelled",
});
const Likeness = Object.freeze({ SAME: "same", DIFFERENT: "different" });

/** An instrument, or a part of one, and a certificate of it: `issuer`, `number`, `instrumentId`, `part`. */
export class NamedInstrument extends Plain {
  get subject() {
    return instrumentSubject(this.instrumentId, this.part);
  }
  get certificate() {
    return certificateSubject(this.issuer, this.number);
  }
}
export class Act extends NamedInstrument {}
export class LotContent extends Plain {
  get subject() {
    return lotSubject(this.issuer, this.number);
  }
}
export class SameAs extends Plain {
  get subject() {
    return this.instrument.subject;
  }
}
export class Split extends SameAs {}
export class InstrumentContent extends Plain {
  get subject() {
    return registrationSubject(this.id);
  }
}
export class StickerBinding extends Plain {
  get subject() {
    return stickerSubject(this.sticker);
  }
  get placement() {
    return placementSubject(this.instrumentId, this.part);
  }
}
export class StickerRelease extends StickerBinding {}

/** Parse the content of an act, a lot, a link, a registration, or what is said of a sticker. */
export const parseActContent = (type, raw) => {
  if (type === EventType.INSTRUMENT) return parseInstrumentContent(raw);
  const reader = new Reader(parseCanonicalJson(raw), "content");
  const content = (PARSERS[type] ?? parseAct)(reader);
  reader.finish();
  return content;
};

const parseAct = (reader) => {
  const certificate = reader.object("certificate");
  const document = reader.optHex("document", 32);
  const act = new Act({
    ...parseCertificate(certificate),
    instrumentId: reader.hex("instrument", 16),
    part: reader.optText("part", { maxBytes: 8 }),
    ...parseWhy(reader),
    document,
  });
  certificate.finish();
  return act;
};

const parseCertificate = (reader) => ({
  issuer: parseInstitutionId(reader, "issuer"),
  number: reader.text("number", { maxBytes: 64 }),
});

const parseWhy = (reader) => ({
  reason: reader.enum("reason", ReasonCode),
  effectiveAt: reader.instant("effective_at"),
  decision: parseOptDecision(reader),
});

const parseLot = (reader) =>
  new LotContent({
    issuer: parseInstitutionId(reader, "issuer"),
    number: reader.text("lot", { maxBytes: 64 }),
    status: reader.enum("status", LotStatus),
    ...parseWhy(reader),
  });

const parseNamed = (reader) => {
  const certificate = reader.object("certificate");
  const named = new NamedInstrument({
    ...parseCertificate(certificate),
    instrumentId: reader.hex("id", 16),
    part: reader.optText("part", { maxBytes: 8 }),
  });
  certificate.finish();
  reader.finish();
  return named;
};

const parseSameAs = (reader) => {
  const content = new SameAs({
    instrument: parseNamed(reader.object("instrument")),
    other: parseNamed(reader.object("other")),
    ...parseWhy(reader),
  });
  if (encodeHex(content.subject) === encodeHex(content.other.subject))
    reader.refuse("other", "is the same instrument already");
  return content;
};

const parseSplit = (reader) => {
  const texts = reader.texts("into", { maxBytes: 32, most: 16 });
  const content = new Split({
    instrument: parseNamed(reader.object("instrument")),
    into: texts.map((text) => about(reader, "into", () => parseHex(text, { size: 16 }))),
    ...parseWhy(reader),
  });
  if (!texts.length || texts.some((text, at) => at && texts[at - 1] >= text))
    reader.refuse("into", "expected at least one, each once, in order");
  if (texts.includes(encodeHex(content.instrument.instrumentId))) reader.refuse("into", "names the instrument itself");
  return content;
};

/** Run a parser; what it refuses is about a member. */
const about = (reader, name, parse) => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InputError) reader.refuse(name, error.reason);
    throw error;
  }
};

const parseBinding = (reader) => new StickerBinding(parseSticker(reader));

const parseRelease = (reader) =>
  new StickerRelease({
    ...parseSticker(reader),
    reason: reader.enum("reason", StickerReason),
    decision: parseOptDecision(reader),
  });

const parseSticker = (reader) => {
  const text = reader.text("sticker", { maxBytes: 16 });
  const sticker = about(reader, "sticker", () => parseStickerId(text));
  if (sticker !== text) reader.refuse("sticker", "expected 16 letters and digits in upper case, without hyphens");
  return {
    sticker,
    instrumentId: reader.hex("instrument", 16),
    part: reader.optText("part", { maxBytes: 8 }),
    effectiveAt: reader.instant("effective_at"),
  };
};

/** Parse the content of an INSTRUMENT. */
export const parseInstrumentContent = (raw) => {
  const reader = openContent(raw);
  const content = new InstrumentContent({
    id: reader.hex("id", 16),
    category: parseCategory(reader.text("category", { maxBytes: 40 }), "content.category"),
    model: reader.optText("model", { maxBytes: 200 }),
    serial: reader.text("serial", { maxBytes: 200 }),
    maker: reader.optText("maker", { maxBytes: 200 }),
    typeApprovalNo: reader.optText("cpa_no", { maxBytes: 64 }),
    year: reader.optInteger("year", 1800, 9999),
    codes: parseCodes(reader.optObject("codes")),
    parts: parseList(reader, "parts", 8, 64),
    retired: parseList(reader, "retired", 8, 64),
    sealPoints: parseList(reader, "seal_points", 200, 32),
    division: parseDivision(reader),
    answers: parseAnswers(reader),
  });
  if (content.parts.some((part) => content.retired.includes(part)))
    reader.refuse("retired", "names a part that is in use");
  if (content.answers.some((answer) => answer.other === encodeHex(content.id)))
    reader.refuse("answers", "names the instrument itself");
  reader.finish();
  return content;
};

const parseList = (reader, name, maxBytes, most) => {
  const texts = reader.optTexts(name, { maxBytes, most });
  if (texts !== null && (!texts.length || new Set(texts).size !== texts.length))
    reader.refuse(name, "expected at least one, each once");
  return texts ?? [];
};

const parseCodes = (reader) => {
  if (reader === null) return [];
  const found = ["production", "repair", "verification"].map((name) => [name, reader.optText(name, { maxBytes: 200 })]);
  const given = found.filter(([, code]) => code !== null);
  if (!given.length) reader.refuse("production", "expected at least one code");
  reader.finish();
  return given;
};

/** Return what was answered of instruments that look alike; `other` is the other's id in hex. */
const parseAnswers = (reader) => {
  const answers = (reader.optObjects("answers", { least: 1, most: 64 }) ?? []).map(parseAnswer);
  if (answers.some((answer, at) => at && answers[at - 1].other >= answer.other))
    reader.refuse("answers", "expected each instrument once, by id");
  return answers;
};

const parseAnswer = (reader) => {
  const answer = {
    other: encodeHex(reader.hex("id", 16)),
    likeness: reader.enum("is", Likeness),
    person: reader.text("by", { maxBytes: 32 }),
    answeredOn: reader.date("on"),
  };
  reader.finish();
  return answer;
};

const PARSERS = {
  [EventType.LOT]: parseLot,
  [EventType.INSTRUMENT_SAME_AS]: parseSameAs,
  [EventType.INSTRUMENT_SPLIT]: parseSplit,
  [EventType.STICKER_BOUND]: parseBinding,
  [EventType.STICKER_UNBOUND]: parseRelease,
};

/** Say what is wrong with a decision: it is missing, or is not its speaker's to take; null: nothing. */
export const findDecisionFault = (decision, byAuthority, isAdverse) => {
  if (byAuthority && isAdverse && decision === null) return "an authority's act names its decision";
  return byAuthority || decision === null ? null : "an institution's own act carries no decision";
};

const parseOptDecision = (reader) => {
  const inner = reader.optObject("decision");
  return inner === null ? null : parseDecision(inner);
};

/** Parse the administrative decision behind an authority's act. */
export const parseDecision = (reader) => {
  const decision = new Plain({
    number: reader.text("number", { maxBytes: 120 }),
    ground: reader.text("ground", { maxBytes: 400 }),
    dated: reader.date("dated"),
    until: reader.optDate("until"),
    remedy: reader.text("remedy", { maxBytes: 400 }),
  });
  if (decision.until !== null && decision.until < decision.dated) reader.refuse("until", "ends before it begins");
  reader.finish();
  return decision;
};
