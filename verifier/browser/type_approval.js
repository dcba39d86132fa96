// Which types of instruments may be verified, and what must not be any more: ledger/core/type_approval.py.
import { parseDecision } from "./act.js";
import { encodeHex } from "./encoding.js";
import { refuse } from "./errors.js";
import { parseSoftware } from "./record_parsing.js";
import {
  category, checkPeriod, contentParser, id, optText, optTexts, Plain, state, text, validFrom,
} from "./register_fields.js";

export class TypeApprovalContent extends Plain {}
export class BlockContent extends Plain {
  /** Whether an instrument of this maker is meant; one without a model is meant by every model's block. */
  covers(model, serial) {
    const fitsModel = !this.models.size || model === null || this.models.has(model);
    return fitsModel && (!this.serials.size || this.serials.has(serial));
  }
}

const [maker, models] = [text("maker", 200), optTexts("models", 200)];

/** Parse the content of a TYPE_APPROVAL. */
export const parseTypeApprovalContent = contentParser(
  TypeApprovalContent,
  {
    validFrom,
    validUntil: (reader) => reader.optDate("until"),
    number: text("number", 64),
    category,
    maker,
    models,
    software: (reader) => (reader.optObjects("software", { least: 1, most: 64 }) ?? []).map((one) => parseSoftware(one)),
    oiml: optText("oiml", 64),
    state,
  },
  (content) => {
    checkPeriod(content);
    const names = content.software.map(({ id: name, digest }) => `${digest && encodeHex(digest)} ${name}`);
    if (new Set(names).size !== names.length) refuse("names a software twice", "content.software");
  },
);

/** Parse the content of a BLOCK. */
export const parseBlockContent = contentParser(BlockContent, {
  decision: (reader) => parseDecision(reader.object("decision")),
  id: id("id"),
  maker,
  models,
  serials: optTexts("serials", 200, 1000),
  validFrom,
  state,
});
