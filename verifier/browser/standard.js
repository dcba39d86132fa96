/** standard.py: what an institution measures with, and where its values come from; reference materials. */
import { refuse } from "./errors.js";
import {
  checkPeriod, openContent, parseCategories, parseInstitutionId, parseYes, Plain, RegisterState,
} from "./register_fields.js";

/** A measurement standard in this log: `institution` and `id`. */
export class StandardReference extends Plain {}
export class MainInstrument extends Plain {}
export class MaterialContent extends Plain {}
export class StandardContent extends Plain {
  get reference() {
    return new StandardReference({ institution: this.institution, id: this.id });
  }
}

/** Parse the content of a STANDARD. */
export const parseStandardContent = (raw) => {
  const reader = openContent(raw);
  const content = new StandardContent({
    institution: parseInstitutionId(reader),
    id: reader.text("id", { maxBytes: 64 }),
    name: reader.text("name", { maxBytes: 200 }),
    examinationNo: reader.text("exam_no", { maxBytes: 120 }),
    publicNo: reader.optText("public_no", { maxBytes: 120 }),
    isMandatory: parseYes(reader, "mandatory"),
    isPrimary: parseYes(reader, "primary"),
    categories: parseCategories(reader),
    range: reader.text("range", { maxBytes: 200 }),
    uncertainty: reader.text("u", { maxBytes: 200 }),
    instruments: reader.objects("instruments", { most: 64 }).map(parseInstrument),
    validFrom: reader.date("from"),
    validUntil: reader.date("until"),
    state: reader.enum("state", RegisterState),
  });
  reader.finish();
  checkPeriod(content.validFrom, content.validUntil);
  if (new Set(content.instruments.map((one) => one.no)).size !== content.instruments.length)
    refuse("two instruments have the same number", "content.instruments");
  return content;
};

/** Parse the content of a REFERENCE_MATERIAL. */
export const parseMaterialContent = (raw) => {
  const reader = openContent(raw);
  const content = new MaterialContent({
    id: reader.text("id", { maxBytes: 64 }),
    lot: reader.text("lot", { maxBytes: 64 }),
    name: reader.text("name", { maxBytes: 200 }),
    value: reader.text("value", { maxBytes: 200 }),
    validFrom: reader.date("from"),
    validUntil: reader.date("until"),
    state: reader.enum("state", RegisterState),
  });
  reader.finish();
  checkPeriod(content.validFrom, content.validUntil);
  return content;
};

const parseInstrument = (reader) => {
  const certificateDigest = reader.optHex("cert_hash", 32);
  const instrument = new MainInstrument({
    no: reader.text("no", { maxBytes: 64 }),
    certificateNo: reader.text("cert_no", { maxBytes: 120 }),
    certificateDigest,
    dated: reader.date("dated"),
    until: reader.date("until"),
    source: parseSource(reader.optObject("source")),
  });
  reader.finish();
  if (instrument.source !== null && certificateDigest === null)
    reader.refuse("cert_hash", "needed, as a source without the digest of its certificate shows nothing");
  return instrument;
};

/** Return the standard that an instrument was compared with, the name of an external root, or null. */
const parseSource = (reader) => {
  if (reader === null) return null;
  const found = reader.has("root")
    ? reader.text("root", { maxBytes: 64 })
    : new StandardReference({ institution: parseInstitutionId(reader), id: reader.text("standard", { maxBytes: 64 }) });
  reader.finish();
  return found;
};
