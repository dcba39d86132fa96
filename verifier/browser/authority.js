// Contents that say who may decide what, and since when: ledger/core/authority.py, with credit_code.py.
import { encodeHex } from "./encoding.js";
import { refuse } from "./errors.js";
import {
  checkPeriod, code, codes, contentParser, division, id, key, optText, period, Plain, state, text, yes,
} from "./register_fields.js";
import { parseMultikey } from "./signature.js";

/** The members of an enumeration whose values are their names in lower case. */
const lower = (names) => Object.freeze(Object.fromEntries(names.split(" ").map((name) => [name, name.toLowerCase()])));

export const ROOT_ISSUER = "ROOT";
export const Power = lower("CERTIFICATE INSTITUTION KEY SCOPE PERSON STANDARD REGULATION TYPE_APPROVAL");
export const Register = lower("PERSON STANDARD TYPE_APPROVAL");
export const Trade = lower("VERIFICATION REPAIR OWNER");

export class RootContent extends Plain {}
export class AuthorityContent extends Plain {}
export class InstitutionContent extends Plain {}
export class KeyContent extends Plain {}
export class CompromiseContent extends Plain {}
export class PolicyContent extends Plain {}

const version = (reader) => reader.integer("version", 1, 2 ** 31);

const ownId = (reader) => {
  const found = id("id")(reader);
  return found === ROOT_ISSUER ? reader.refuse("id", "ROOT names the root itself") : found;
};

const name = (reader) => {
  const inner = reader.object("name");
  const found = new Plain({ zh: text("zh", 200)(inner), en: optText("en", 200)(inner) });
  inner.finish();
  return found;
};

const checkSuites = (reader) => {
  if (reader.texts("suites", { maxBytes: 32 }).join() !== "ed25519,p-256,sha-256") reader.refuse("suites", "other suites");
};

/** Parse the content of a ROOT. */
export const parseRootContent = contentParser(
  RootContent,
  {
    version,
    // no white space, as Python's \s has it
    origin: text("origin", 120, "[^+ \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+"),
    keys: (reader) => reader.texts("keys", { maxBytes: 64 }).map(parseMultikey),
    threshold: (reader) => reader.integer("threshold", 1, 64),
    logKey: key("log_key"),
    predecessor: (reader) => (checkSuites(reader), optText("predecessor", 120)(reader)),
    previous: (reader) => reader.optHex("previous", 32),
  },
  ({ version: number, previous, keys, threshold }) => {
    if ((previous === null) !== (number === 1)) refuse("every version but the first names the one before", "previous");
    const count = new Set(keys.map((each) => encodeHex(each.keyId))).size;
    if (count !== keys.length || threshold > count || count > 64) {
      refuse("expected distinct keys, at least as many as the threshold", "keys");
    }
  },
);

/** Parse the content of a DELEGATE. */
export const parseAuthorityContent = contentParser(
  AuthorityContent,
  { id: ownId, name, key: key("key"), division, powers: codes("powers", Power), ...period, state },
  checkPeriod,
);

/** Parse the content of an INSTITUTION. */
export const parseInstitutionContent = contentParser(InstitutionContent, {
  creditCode: (reader) => checkCreditCode(optText("credit_code", 18)(reader)),
  id: ownId,
  name,
  division,
  state,
  trade: (reader) => {
    const said = reader.optEnum("trade", Trade);
    if (said === Trade.VERIFICATION) reader.refuse("trade", "verification goes without saying");
    return said ?? Trade.VERIFICATION;
  },
  registers: (reader) => (reader.has("registers") ? codes("registers", Register)(reader) : new Set()),
  checkerMayApprove: yes("checker_may_approve"),
});

const institution = id("institution");

/** Parse the content of a KEY. */
export const parseKeyContent = contentParser(KeyContent, { institution, key: key("key"), state });

/** Parse the content of a KEY_COMPROMISED_FROM. */
export const parseCompromiseContent = contentParser(CompromiseContent, {
  institution,
  key: key("key"),
  since: (reader) => reader.instant("since"),
});

/** Parse the content of a POLICY. */
export const parsePolicyContent = contentParser(PolicyContent, {
  version,
  digest: (reader) => reader.hex("digest", 32),
});

const LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** A unified social credit code (GB 32100), or null, whose form and check character are right. */
const checkCreditCode = (found) => {
  if (found === null) return null;
  const [field, at] = ["content.credit_code", [...found].map((letter) => LETTERS.indexOf(letter))];
  if (at.length !== 18 || at.includes(-1) || !/^..[0-9]{6}/.test(found)) refuse("no credit code has this form", field);
  const check = at.pop();
  const sum = at.reduceRight((total, value) => (total * 3 + value) % 31, 0);
  return (sum + check) % 31 ? refuse("a credit code with another check character", field) : found;
};
