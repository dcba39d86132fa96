// What an institution measures with, and where its values come from: ledger/core/standard.py.
import { refuse } from "./errors.js";
import {
  categories, checkPeriod, contentParser, id, optText, period, Plain, state, text, yes,
} from "./register_fields.js";

export class MaterialContent extends Plain {}

/** `source` of its instruments is a standard in this log, {institution, id}, the name of an external root, or null. */
export class StandardContent extends Plain {
  get reference() {
    return { institution: this.institution, id: this.id };
  }
}

/** Parse the content of a STANDARD. */
export const parseStandardContent = contentParser(
  StandardContent,
  {
    institution: id("institution"),
    id: text("id", 64),
    name: text("name", 200),
    examinationNo: text("exam_no", 120),
    publicNo: optText("public_no", 120),
    isMandatory: yes("mandatory"),
    isPrimary: yes("primary"),
    categories,
    range: text("range", 200),
    uncertainty: text("u", 200),
    instruments: (reader) => reader.objects("instruments", { most: 64 }).map(parseStandardInstrument),
    ...period,
    state,
  },
  (content) => {
    checkPeriod(content);
    if (new Set(content.instruments.map((one) => one.no)).size !== content.instruments.length) {
      refuse("two instruments have the same number", "content.instruments");
    }
  },
);

/** Parse the content of a REFERENCE_MATERIAL. */
export const parseMaterialContent = contentParser(
  MaterialContent,
  { id: text("id", 64), lot: text("lot", 64), name: text("name", 200), value: text("value", 200), ...period, state },
  checkPeriod,
);

const parseStandardInstrument = (reader) => {
  const instrument = new Plain({
    certificateDigest: reader.optHex("cert_hash", 32),
    no: text("no", 64)(reader),
    certificateNo: text("cert_no", 120)(reader),
    dated: reader.date("dated"),
    until: reader.date("until"),
    source: parseSource(reader.optObject("source")),
  });
  reader.finish();
  const isBare = instrument.source !== null && instrument.certificateDigest === null;
  return isBare ? reader.refuse("cert_hash", "needed where a source is stated") : instrument;
};

const parseSource = (reader) => {
  if (reader === null) return null;
  const found = reader.has("root")
    ? text("root", 64)(reader)
    : new Plain({ institution: id("institution")(reader), id: text("standard", 64)(reader) });
  reader.finish();
  return found;
};
