/** register_fields.py: members that contents of many registers share, read strictly, with one spelling each. */
import { parseCanonicalJson } from "./canonical.js";
import { parseCategory } from "./category.js";
import { refuse } from "./errors.js";
import { Reader } from "./fields.js";
import { ID_PATTERN } from "./statement.js";

export const RegisterState = Object.freeze({ ACTIVE: "active", SUSPENDED: "suspended", WITHDRAWN: "withdrawn" });

/** Members by name, never changed: what every content, key and version is. */
export class Plain {
  constructor(members) {
    Object.freeze(Object.assign(this, members));
  }
}

/** Compare texts by code points, as the norm sorts lists. */
export const compareTexts = (one, other) => {
  const [a, b] = [[...one], [...other]];
  const at = a.findIndex((letter, i) => letter !== b[i]);
  return at < 0 ? a.length - b.length : at < b.length ? a[at].codePointAt(0) - b[at].codePointAt(0) : 1;
};

/** Return a reader over the content of a statement. */
export const openContent = (raw) => new Reader(parseCanonicalJson(raw), "content");

/** Return a division code, "" where none is given: anywhere. */
export const parseDivision = (reader) => reader.optText("division", { maxBytes: 12, pattern: "[0-9]{2,12}" }) ?? "";

/** Return the member `name`, in Chinese and perhaps in English. */
export const parseName = (reader) => {
  const inner = reader.object("name");
  const name = new Plain({ zh: inner.text("zh", { maxBytes: 200 }), en: inner.optText("en", { maxBytes: 200 }) });
  inner.finish();
  return name;
};

/** Return a list of texts: at least one, sorted, each once. */
export const parseSortedTexts = (reader, name, maxBytes = 64, most = 256) => {
  const texts = reader.texts(name, { maxBytes, most });
  if (!texts.length || texts.some((text, at) => at && compareTexts(texts[at - 1], text) >= 0))
    reader.refuse(name, "expected at least one, each once, in order");
  return texts;
};

/** Return a set of codes out of those that are known. */
export const parseSet = (reader, name, kind) => {
  const texts = parseSortedTexts(reader, name);
  const known = Object.values(kind);
  if (!texts.every((text) => known.includes(text))) reader.refuse(name, `unknown value; known are ${known.join(", ")}`);
  return new Set(texts);
};

/** Return the member `categories`. */
export const parseCategories = (reader) =>
  new Set(parseSortedTexts(reader, "categories").map((text) => parseCategory(text, "content.categories")));

/** Return a set of texts, empty where the member is absent. */
export const parseTexts = (reader, name, maxBytes, most) =>
  new Set(reader.has(name) ? parseSortedTexts(reader, name, maxBytes, most) : []);

/** Refuse a period that ends before it begins. */
export const checkPeriod = (from, until) => {
  if (until < from) refuse("ends before it begins", "content.until");
};

/** Return the id of an institution. */
export const parseInstitutionId = (reader, name = "institution") => reader.text(name, { maxBytes: 12, pattern: ID_PATTERN });

/** Return whether a member says yes; no has one spelling: no member. */
export const parseYes = (reader, name) => {
  if (!reader.has(name)) return false;
  if (!reader.boolean(name)) reader.refuse(name, "false goes without saying");
  return true;
};

/** Return the members `from` and `until`; a period without `until` has no end. */
export const parseOpenPeriod = (reader) => {
  const [from, until] = [reader.date("from"), reader.optDate("until")];
  if (until !== null) checkPeriod(from, until);
  return [from, until];
};
