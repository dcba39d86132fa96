// The one entry for pages: the device checks what a server says of a code, and believes none of it. What was scanned,
// what this device has seen before and its pinned policy decide; storage and fetching are the page's.
import { parsePolicyContent } from "./authority.js";
import { parseBundle } from "./bundle.js";
import { encodeCanonicalJson, parseJson } from "./canonical.js";
import { encodeHex, encodeUtf8, equalBytes } from "./encoding.js";
import { parseLeaf } from "./entry.js";
import { InputError, VerificationError } from "./errors.js";
import { EventType } from "./event.js";
import { parsePolicy } from "./policy.js";
import { computeCode, parseCode, parseDigits } from "./qr.js";
import { parseRuleBook } from "./regulation.js";
import { buildReport, listRequired } from "./report.js";
import { Session } from "./session.js";
import { sha256 } from "./sha256.js";
import { bringUpToDate, chooseShown, doubtStatus, GOOD } from "./shown.js";
import { parseSignedStatement } from "./statement.js";
import { failed, PASSED, Step } from "./step.js";
import { parseTrustList } from "./trust.js";
import { verifyBundleAndState } from "./verify.js";

/** SHA-256 over the product's own tables of regulations, which these modules belong to. */
export const RULE_BOOK_DIGEST = "e6b8e2870442806a3fca29efce259be8361823cbaee84c52b2cc4b38d96ac666";

/** What a server sent does not hold, in words for people. */
class Caught extends Error {
  constructor(en, zh) {
    super(en);
    this.words = { en, zh };
  }
}

const toBytes = (text) => (typeof text === "string" ? encodeUtf8(text) : text);

/**
 * Check what a server has sent for a code.
 *
 * @param expected what was scanned or asked for: `{digits}`, `{code}`, `{instrument}` (id in hex; `part`, if one of it
 *   was asked for), null: a file.
 * @param bundleText its proof bundle; null: only what the digits themselves carry is checked.
 * @param newestText the same document's bundle under the newest checkpoint, if the other is of an older one.
 * @param ruleBook `{rules, limits}`: the two tables of regulations, CSV.
 * @param trustText the trust list; null: none.
 * @param remembered what an earlier call returned as `remember`; null: this device has seen nothing yet.
 * @param now the device's clock, milliseconds UTC.
 * @param look step 16: looks a checkpoint up in the contract, through a node of the user's choice.
 * @returns `{report, shown, remember, checkedByDevice, reason}`: `reason` says what was caught; `checkedByDevice`
 *   is false only where this device cannot compute: then `reason` says why, and the page has the server's word alone.
 */
export async function checkOnDevice(given) {
  const remembered = given.remembered ?? null;
  const nothing = { report: null, shown: "CANNOT_CHECK", remember: remembered };
  try {
    return await check({ newestText: null, trustText: null, look: null, ...given, remembered });
  } catch (error) {
    if (error instanceof Caught) return { ...nothing, checkedByDevice: true, reason: error.words };
    const reason = { en: `this device cannot check: ${error.message}`, zh: `本机不能自检：${error.message}` };
    return { ...nothing, checkedByDevice: false, reason };
  }
}

async function check({ expected, bundleText, newestText, policyText, ruleBook, trustText, remembered, now, look }) {
  const [policy, pin] = await must("policy", "核验策略", () => openPolicy(policyText));
  comparePins(pin, remembered?.policy ?? pin);
  const session = await must("trust list or table of regulations", "信任列表或规程数据", () =>
    openSession(policy, ruleBook, trustText),
  );
  if (bundleText === null) return checkCode(expected, session, now, remembered, pin);
  const found = await must("proof", "证明文件", () => open(bundleText, session, now, look));
  const isOne = newestText === null || newestText === bundleText; // the newest anchor is often that of the newest state
  const newest = isOne ? found : await must("newest proof", "最新证明文件", () => open(newestText, session, now, look));
  if (remembered !== null && pin.version > remembered.policy.version) requirePublished(pin, newest);
  const [faults, doubts] = findFaults(expected, found, newest, remembered, now, policy);
  const counts = newest !== found && (newest.size >= found.size || newest.report.hasFailed);
  let report = counts ? bringUpToDate(found.report, newest.report, policy) : found.report;
  if (faults.length) {
    const known = report.checks.filter((check) => !faults.some((fault) => fault.step === check.step));
    report = buildReport([...known, ...faults], report.status, policy, report.document, { note: report.note });
  }
  for (const words of doubts) report = doubtStatus(report, policy, words);
  const shown = chooseShown(report, policy);
  // a policy is pinned by a proof that has all it asks for: one of before the first anchor is about to change
  const required = [...listRequired(policy, report.document)];
  const isWhole = required.every((step) => report.outcomeOf(step) === PASSED);
  const isToKeep = !report.hasFailed && (isWhole || remembered !== null);
  return {
    report,
    shown: doubts.length && GOOD.has(shown) ? "CANNOT_CHECK" : shown,
    remember: isToKeep ? remember(pin, remembered, [found, newest], session, now) : remembered,
    checkedByDevice: true,
    reason: faults[0]?.reason ?? doubts[0] ?? sayPart(expected, found.bundle),
  };
}

/** Run `open`; what cannot be read, or does not hold, was sent by the server. */
async function must(en, zh, open) {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof InputError) && !(error instanceof VerificationError)) throw error;
    throw new Caught(`the ${en} that was sent cannot be used: ${error.message}`, `收到的${zh}无法使用：${error.message}`);
  }
}

// --- what the device believes ---

/** Return a policy, and what is pinned of it. */
function openPolicy(text) {
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
function comparePins(pin, pinned) {
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

/** Refuse a later policy unless the root has published this very one in the log. */
function requirePublished(pin, { bundle, established }) {
  const isThis = ([, raw]) => {
    const { statement } = parseSignedStatement(parseLeaf(raw).statementRaw);
    if (statement.type !== EventType.POLICY) return false;
    const content = parsePolicyContent(statement.claims.content);
    return content.version === pin.version && encodeHex(content.digest) === pin.digest;
  };
  if (established === null || !bundle.evidence.leaves.some(isThis)) {
    throw new Caught(`the root has not published this version ${pin.version} of the policy`, `信任根未发布此第${pin.version}版核验策略`);
  }
}

const BOOKS = new Map();

function openSession(policy, { rules, limits }, trustText) {
  const key = `${rules}\n\n${limits}`;
  if (!BOOKS.has(key)) {
    const book = parseRuleBook(rules, limits);
    if (encodeHex(book.digest) !== RULE_BOOK_DIGEST) throw new InputError("not the tables of this verifier");
    BOOKS.set(key, book);
  }
  return Session.open(policy, BOOKS.get(key), trustText === null ? null : parseTrustList(toBytes(trustText)));
}

// --- what the server says ---

async function open(text, session, now, look) {
  const bundle = parseBundle(toBytes(text));
  const found = await verifyBundleAndState(bundle, session, now, look);
  return { bundle, size: found.checkpoint?.treeSize ?? -1, ...found };
}

/** Without a bundle: who has signed the digits, as far as the trust list reaches; never a good word on the status. */
async function checkCode(expected, session, now, remembered, pin) {
  const { verifyStatementAlone } = await import("./alone.js");
  const report = await must("code", "二维码", () => verifyStatementAlone(parseDigits(expected.digits), session, now));
  const en = "no proof is at hand: signatures are checked, the document's state is not";
  return {
    report,
    shown: report.hasFailed ? "TAMPERED" : "CANNOT_CHECK",
    remember: remembered === null ? null : remember(pin, remembered, [], session, now),
    checkedByDevice: true,
    reason: { en, zh: "手头没有证明文件：已核对签名，未核对证书状态" },
  };
}

/** Return [steps that fail by what this device knows, words on why the status may be out of date]. */
function findFaults(expected, found, newest, remembered, now, policy) {
  const faults = [];
  const doubts = [];
  const fail = (step, en, zh) => faults.push(failed(step, en, zh));
  if (!isExpected(expected, found.bundle)) {
    fail(Step.BINDING, "the proof is of another document than the one that was asked for", "证明文件属于另一份证书，而非所查询的证书");
  }
  if (!equalBytes(found.bundle.statementRaw, newest.bundle.statementRaw)) {
    fail(Step.BINDING, "the newest proof is of another document", "最新证明文件属于另一份证书");
  }
  const seen = remembered?.checkpoint ?? null;
  const states = [found, newest].filter((one) => one.checkpoint !== null);
  const roots = new Map(seen === null ? [] : [[seen.size, seen.root]]);
  for (const { size, checkpoint } of states) {
    const root = encodeHex(checkpoint.rootHash);
    if ((roots.get(size) ?? root) !== root) {
      const en = `the log has signed two different states of ${size} leaves`;
      fail(Step.CHECKPOINT, en, `账本为${size}条签署过两种不同状态`);
    }
    roots.set(size, root);
  }
  const size = Math.max(...states.map((one) => one.size), -1);
  if (newest.checkpoint !== null && newest.size < found.size) {
    doubts.push({ en: "an older state of the log was sent as the newest", zh: "收到的“最新”账本状态反而更旧" });
  }
  if (seen !== null && states.length && size < seen.size) {
    doubts.push({
      en: `the proof is of ${size} leaves; this device has already seen the log with ${seen.size}`,
      zh: `证明文件对应账本${size}条；本机已见过${seen.size}条`,
    });
  }
  const at = remembered?.statusAt ?? null;
  const statedAt = Math.max(...states.map((one) => one.established?.statedAt ?? -1), -1);
  if (at !== null && size > seen?.size && statedAt >= 0 && statedAt < at) {
    fail(Step.TIME, "the log's newest state is dated before one that this device has seen", "账本最新状态的时间早于本机已见过的状态");
  }
  if (at !== null && now + policy.clockTolerance < at) {
    doubts.push({ en: "this device's clock is behind what it has already seen", zh: "本机时钟早于已见过的账本时间" });
  }
  return [faults, doubts];
}

function isExpected(expected, { statementRaw, certificate }) {
  if (expected === null) return true;
  if (expected.digits !== undefined) return attemptEqual(() => equalBytes(parseDigits(expected.digits), statementRaw));
  if (expected.code !== undefined) return attemptEqual(() => parseCode(expected.code) === computeCode(statementRaw));
  const { claims } = parseSignedStatement(statementRaw).statement;
  if (claims.instrumentId === undefined || encodeHex(claims.instrumentId) !== expected.instrument) return false;
  if ((expected.part ?? null) === null) return true;
  const named = claims.part === null ? certificate.record.instrument.parts.map((each) => each.id) : [claims.part];
  return named.includes(expected.part);
}

/** Say where the proof is of one part, and the whole instrument was asked for: of the rest it shows nothing. */
function sayPart(expected, { statementRaw }) {
  const { part } = parseSignedStatement(statementRaw).statement.claims;
  if (expected?.instrument === undefined || (expected.part ?? null) !== null || (part ?? null) === null) return null;
  return { en: `this proof is of part ${part} alone`, zh: `此证明仅涉及部件${part}` };
}

/** Whether `compare` says so; what cannot be read equals nothing. */
function attemptEqual(compare) {
  try {
    return compare();
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** Return what this device keeps: its pin, and the largest state of the log that has been verified. */
function remember(pin, remembered, states, session, now) {
  const kept = { policy: pin, checkpoint: remembered?.checkpoint ?? null, statusAt: remembered?.statusAt ?? null };
  const checkpoints = [session.trusted?.[1], ...states.filter((one) => one.established !== null).map((one) => one.checkpoint)];
  for (const checkpoint of checkpoints) {
    if (checkpoint && checkpoint.treeSize > (kept.checkpoint?.size ?? -1)) {
      kept.checkpoint = { size: checkpoint.treeSize, root: encodeHex(checkpoint.rootHash) };
    }
  }
  for (const { established } of states) {
    const isPast = established !== null && established.statedAt <= now;
    if (isPast) kept.statusAt = Math.max(kept.statusAt ?? 0, established.statedAt);
  }
  return kept;
}
