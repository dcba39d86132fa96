/** authority.py, with credit_code.py: contents that say who may decide what, and since when. */
import { encodeHex } from "./encoding.js";
import { refuse } from "./errors.js";
import {
  checkPeriod, openContent, parseDivision, parseInstitutionId, parseName, parseSet, parseYes, Plain,
  RegisterState,
} from "./register_fields.js";
import { parseMultikey } from "./signature.js";

export const ROOT_ISSUER = "ROOT";
export const Power = Object.freeze({
  CERTIFICATE: "certificate", INSTITUTION: "institution", KEY: "key", SCOPE: "scope", PERSON: "person",
  STANDARD: "standard", REGULATION: "regulation", TYPE_APPROVAL: "type_approval",
});
export const Register = Object.freeze({ PERSON: "person", STANDARD: "standard", TYPE_APPROVAL: "type_approval" });
export const Trade = Object.freeze({ VERIFICATION: "verification", REPAIR: "repair", OWNER: "owner" });

const SUITES = "ed25519,p-256,sha-256";
const CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY";

export class RootContent extends Plain {}
export class AuthorityContent extends Plain {}
export class InstitutionContent extends Plain {}
export class KeyContent extends Plain {}
export class CompromiseContent extends Plain {}
export class PolicyContent extends Plain {}

/** Return a key out of a member of at most 64 bytes. */
const parseKey = (reader, name = "key") => parseMultikey(reader.text(name, { maxBytes: 64 }));

/** Parse the content of a ROOT. */
export const parseRootContent = (raw) => {
  const reader = openContent(raw);
  const content = {
    version: reader.integer("version", 1, 2 ** 31),
    origin: reader.text("origin", { maxBytes: 120, pattern: "[^+ \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+" }),
    keys: reader.texts("keys", { maxBytes: 64 }).map(parseMultikey),
    threshold: reader.integer("threshold", 1, 64),
    logKey: parseKey(reader, "log_key"),
  };
  const suites = reader.texts("suites", { maxBytes: 32 });
  content.predecessor = reader.optText("predecessor", { maxBytes: 120 });
  content.previous = reader.optHex("previous", 32);
  reader.finish();
  if ((content.previous === null) !== (content.version === 1))
    refuse("every version but the first names the one before", "previous");
  const count = content.keys.length;
  if (new Set(content.keys.map((key) => encodeHex(key.keyId))).size !== count || content.threshold > count || count > 64)
    refuse("expected distinct keys, at least as many as the threshold", "keys");
  if (suites.join() !== SUITES) refuse(`expected exactly ${SUITES}`, "suites");
  return new RootContent(content);
};

/** Parse the content of a DELEGATE. */
export const parseAuthorityContent = (raw) => {
  const reader = openContent(raw);
  const content = new AuthorityContent({
    id: parseOwnId(reader),
    name: parseName(reader),
    key: parseKey(reader),
    division: parseDivision(reader),
    powers: parseSet(reader, "powers", Power),
    validFrom: reader.date("from"),
    validUntil: reader.date("until"),
    state: reader.enum("state", RegisterState),
  });
  reader.finish();
  checkPeriod(content.validFrom, content.validUntil);
  return content;
};

/** Parse the content of an INSTITUTION. */
export const parseInstitutionContent = (raw) => {
  const reader = openContent(raw);
  const code = reader.optText("credit_code", { maxBytes: 18 });
  const content = new InstitutionContent({
    id: parseOwnId(reader),
    name: parseName(reader),
    creditCode: code === null ? null : parseCreditCode(code, "content.credit_code"),
    division: parseDivision(reader),
    state: reader.enum("state", RegisterState),
    trade: parseTrade(reader),
    registers: reader.has("registers") ? parseSet(reader, "registers", Register) : new Set(),
    checkerMayApprove: parseYes(reader, "checker_may_approve"),
  });
  reader.finish();
  return content;
};

/** Parse the content of a KEY. */
export const parseKeyContent = (raw) => {
  const reader = openContent(raw);
  const content = new KeyContent({
    institution: parseInstitutionId(reader),
    key: parseKey(reader),
    state: reader.enum("state", RegisterState),
  });
  reader.finish();
  return content;
};

/** Parse the content of a KEY_COMPROMISED_FROM. */
export const parseCompromiseContent = (raw) => {
  const reader = openContent(raw);
  const content = new CompromiseContent({
    institution: parseInstitutionId(reader),
    key: parseKey(reader),
    since: reader.instant("since"),
  });
  reader.finish();
  return content;
};

/** Parse the content of a POLICY. */
export const parsePolicyContent = (raw) => {
  const reader = openContent(raw);
  const content = new PolicyContent({
    version: reader.integer("version", 1, 2 ** 31),
    digest: reader.hex("digest", 32),
  });
  reader.finish();
  return content;
};

const parseOwnId = (reader) => {
  const id = parseInstitutionId(reader, "id");
  if (id === ROOT_ISSUER) reader.refuse("id", "ROOT names the root itself");
  return id;
};

/** Return the trade; verification has one spelling only: no member. */
const parseTrade = (reader) => {
  const trade = reader.optEnum("trade", Trade) ?? "";
  if (trade === Trade.VERIFICATION) reader.refuse("trade", "verification goes without saying");
  return trade || Trade.VERIFICATION;
};

/** Return a unified social credit code (GB 32100) whose form and check character are right. */
export const parseCreditCode = (text, field = null) => {
  if (!/^[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}$/.test(text))
    refuse("does not have the form of a credit code", field);
  let [total, weight] = [0, 1];
  for (const letter of text.slice(0, 17)) {
    total += CREDIT_LETTERS.indexOf(letter) * weight;
    weight = (weight * 3) % 31;
  }
  const expected = CREDIT_LETTERS[(31 - (total % 31)) % 31];
  if (text[17] !== expected) refuse(`a credit code that should end in ${expected}`, field);
  return text;
};
