// Members that contents of many registers share, and how contents are read: ledger/core/register_fields.py.
import { parseCanonicalJson } from "./canonical.js";
import { parseCategory } from "./category.js";
import { refuse } from "./errors.js";
import { Reader } from "./fields.js";
import { parseMultikey } from "./signature.js";
import { ID_PATTERN } from "./statement.js";

export const RegisterState = Object.freeze({ ACTIVE: "active", SUSPENDED: "suspended", WITHDRAWN: "withdrawn" });

/** Members by name, never changed: what contents, keys, states and effects are. */
export class Plain {
  constructor(members) {
    Object.freeze(Object.assign(this, members));
  }
}

/** A parser of contents of a kind: `members` says how each is read, `check` sees the whole and the bytes. */
export const contentParser = (Kind, members, check) => (raw) => {
  const reader = new Reader(parseCanonicalJson(raw), "content");
  const content = new Kind(Object.fromEntries(Object.entries(members).map(([name, read]) => [name, read(reader)])));
  reader.finish();
  check?.(content);
  return content;
};

// Readers of one member.
export const text = (name, maxBytes, pattern) => (reader) => reader.text(name, { maxBytes, pattern });
export const optText = (name, maxBytes, pattern) => (reader) => reader.optText(name, { maxBytes, pattern });
export const code = (name, kind) => (reader) => reader.enum(name, kind);
export const id = (name) => text(name, 12, ID_PATTERN);
export const key = (name) => (reader) => parseMultikey(reader.text(name, { maxBytes: 64 }));
export const state = code("state", RegisterState);
export const validFrom = (reader) => reader.date("from");
export const category = (reader) => parseCategory(reader.text("category", { maxBytes: 40 }), "content.category");

/** The members of a period with a last day; see `checkPeriod`. */
export const period = { validFrom, validUntil: (reader) => reader.date("until") };

/** Refuse a period that ends before it begins; one without a last day has no end. */
export const checkPeriod = (content) => {
  if (content.validUntil !== null && content.validUntil < content.validFrom) {
    refuse("ends before it begins", "content.until");
  }
};

/** A division code, "" where none is given: anywhere. */
export const division = (reader) => reader.optText("division", { maxBytes: 12, pattern: "[0-9]{2,12}" }) ?? "";

/** Whether a member says yes; no has one spelling: no member. */
export const yes = (name) => (reader) => {
  const said = reader.optBoolean(name);
  return said === false ? reader.refuse(name, "false goes without saying") : said !== null;
};

/** Compare texts by code points, as the norm sorts lists. */
const isBelow = (one, other) => {
  const [a, b] = [[...one], [...other]];
  const at = a.findIndex((letter, i) => letter !== b[i]);
  return at < 0 ? a.length < b.length : at < b.length && a[at].codePointAt(0) < b[at].codePointAt(0);
};

/** A set of texts: at least one, sorted, each once. */
export const texts = (name, maxBytes = 64, most = 256) => (reader) => {
  const found = reader.texts(name, { maxBytes, most });
  if (!found.length || found.some((each, at) => at && !isBelow(found[at - 1], each))) {
    reader.refuse(name, "expected at least one, each once, in order");
  }
  return new Set(found);
};

/** The same, empty where the member is absent. */
export const optTexts = (name, maxBytes, most) => (reader) =>
  reader.has(name) ? texts(name, maxBytes, most)(reader) : new Set();

/** A set of codes out of those that are known. */
export const codes = (name, kind) => (reader) => {
  const [found, known] = [texts(name)(reader), Object.values(kind)];
  return [...found].every((each) => known.includes(each)) ? found : reader.refuse(name, `known are ${known}`);
};

/** The member `categories`. */
export const categories = (reader) =>
  new Set([...texts("categories")(reader)].map((each) => parseCategory(each, "content.categories")));
