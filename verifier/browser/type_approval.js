/** type_approval.py: which types of instruments may be verified, and what must not be any more. */
import { parseDecision } from "./act.js";
import { parseCategory } from "./category.js";
import { encodeHex } from "./encoding.js";
import { refuse } from "./errors.js";
import { parseSoftware } from "./record_parsing.js";
import { openContent, parseInstitutionId, parseOpenPeriod, parseTexts, Plain, RegisterState } from "./register_fields.js";

export class TypeApprovalContent extends Plain {}
export class BlockContent extends Plain {
  /** Say whether an instrument of this maker is meant; one without a model is meant by every model's block. */
  covers(model, serial) {
    const fitsModel = !this.models.size || model === null || this.models.has(model);
    return fitsModel && (!this.serials.size || this.serials.has(serial));
  }
}

/** Parse the content of a TYPE_APPROVAL. */
export const parseTypeApprovalContent = (raw) => {
  const reader = openContent(raw);
  const [validFrom, validUntil] = parseOpenPeriod(reader);
  const content = new TypeApprovalContent({
    number: reader.text("number", { maxBytes: 64 }),
    category: parseCategory(reader.text("category", { maxBytes: 40 }), "content.category"),
    maker: reader.text("maker", { maxBytes: 200 }),
    models: parseTexts(reader, "models", 200),
    software: (reader.optObjects("software", { least: 1, most: 64 }) ?? []).map(parseSoftware),
    oiml: reader.optText("oiml", { maxBytes: 64 }),
    validFrom,
    validUntil,
    state: reader.enum("state", RegisterState),
  });
  reader.finish();
  const names = content.software.map((one) => `${one.digest === null ? "" : encodeHex(one.digest)} ${one.id}`);
  if (new Set(names).size !== names.length)
    refuse("names a software twice", "content.software");
  return content;
};

/** Parse the content of a BLOCK. */
export const parseBlockContent = (raw) => {
  const reader = openContent(raw);
  const decision = parseDecision(reader.object("decision"));
  const content = new BlockContent({
    id: parseInstitutionId(reader, "id"),
    maker: reader.text("maker", { maxBytes: 200 }),
    models: parseTexts(reader, "models", 200),
    serials: parseTexts(reader, "serials", 200, 1000),
    validFrom: reader.date("from"),
    state: reader.enum("state", RegisterState),
    decision,
  });
  reader.finish();
  return content;
};
