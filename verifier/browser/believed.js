// What a device believes before it looks at any proof: its pinned policy, the tables of regulations, a trust list.
import { parsePolicyContent } from "./authority.js";
import { encodeCanonicalJson, parseJson } from "./canonical.js";
import { encodeHex, encodeUtf8 } from "./encoding.js";
import { parseLeaf } from "./entry.js";
import { InputError, VerificationError } from "./errors.js";
import { EventType } from "./event.js";
import { parsePolicy } from "./policy.js";
import { parseRuleBook } from "./regulation.js";
import { Session } from "./session.js";
import { sha256 } from "./sha256.js";
import { parseSignedStatement } from "./statement.js";
import { parseTrustList } from "./trust.js";

/** SHA-256 over the product's own tables of regulations, which these modules belong to. */
export const RULE_BOOK_DIGEST = "e6b8e2870442806a3fca29efce259be8361823cbaee84c52b2cc4b38d96ac666";

/** What a server sent does not hold, in words for people. */
export class Caught extends Error {
  constructor(en, zh) {
    super(en);
    this.words = { en, zh };
  }
}

export const toBytes = (text) => (typeof text === "string" ? encodeUtf8(text) : text);

/** Run `open`; what cannot be read, or does not hold, was sent by the server. */
export async function must(en, zh, open) {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof InputError) && !(error instanceof VerificationError)) throw error;
    throw new Caught(`the ${en} that was sent cannot be used: ${error.message}`, `收到的${zh}无法使用：${error.message}`);
  }
}

/** Return a policy, and what is pinned of it. */
export function openPolicy(text) {
  const raw = toBytes(text);
  const policy = parsePolicy(raw);
  const pin = {
    version: policy.version,
    digest: encodeHex(sha256(encodeCanonicalJson(parseJson(raw)))),
    origin: policy.origin,
    logKey: policy.logKey.multikey,
    root: encodeHex(policy.rootDigest),
  };
  return [policy, pin];
}

/** Refuse a policy that is not the pinned one, or a later one for the same log, key and root. */
export function comparePins(pin, pinned) {
  if (pin.origin !== pinned.origin || pin.logKey !== pinned.logKey) {
    throw new Caught("the policy names another log, or another key of it, than this device has pinned", "核验策略所指的账本或其密钥与本机固定的不同");
  }
  if (pin.root !== pinned.root) {
    throw new Caught("the policy names another root than this device has pinned", "核验策略所指的信任根与本机固定的不同");
  }
  if (pin.version < pinned.version) {
    const en = `this is version ${pin.version} of the policy; version ${pinned.version} has been seen already`;
    throw new Caught(en, `这是第${pin.version}版核验策略；本机已见过第${pinned.version}版`);
  }
  if (pin.version === pinned.version && pin.digest !== pinned.digest) {
    throw new Caught("the policy has changed without a new version", "核验策略内容已变，版本却未变");
  }
}

/** Refuse a policy later than the pinned one, unless the root has published this very one in evidence that holds. */
export function requirePublished({ pin, remembered }, evidence, established) {
  if (remembered === null || pin.version <= remembered.policy.version) return;
  const isThis = ([, raw]) => {
    const { statement } = parseSignedStatement(parseLeaf(raw).statementRaw);
    if (statement.type !== EventType.POLICY) return false;
    const content = parsePolicyContent(statement.claims.content);
    return content.version === pin.version && encodeHex(content.digest) === pin.digest;
  };
  if (established === null || !evidence.leaves.some(isThis)) {
    throw new Caught(`the root has not published this version ${pin.version} of the policy`, `信任根未发布此第${pin.version}版核验策略`);
  }
}

const BOOKS = new Map();

/** Return a session with these tables, which must be the product's own, and what the trust list says; null: no list. */
export function openSession(policy, { rules, limits }, trustText) {
  const key = `${rules}\n\n${limits}`;
  if (!BOOKS.has(key)) {
    const book = parseRuleBook(rules, limits);
    if (encodeHex(book.digest) !== RULE_BOOK_DIGEST) throw new InputError("not the tables of this verifier");
    BOOKS.set(key, book);
  }
  return Session.open(policy, BOOKS.get(key), trustText === null ? null : parseTrustList(toBytes(trustText)));
}
