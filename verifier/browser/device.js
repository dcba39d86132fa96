// The one entry for pages: the device checks what a server says of a code, and believes none of it. What was scanned,
// what this device has seen before and its pinned policy decide; storage and fetching are the page's.
import { Caught, comparePins, must, openPolicy, openSession, requirePublished } from "./believed.js";
import { encodeHex, equalBytes } from "./encoding.js";
import { InputError } from "./errors.js";
import { listStates, openDocument } from "./joined.js";
import { computeCode, parseCode, parseDigits } from "./qr.js";
import { compareStates, conclude } from "./remembered.js";
import { chooseShown, GOOD } from "./shown.js";
import { parseSignedStatement } from "./statement.js";
import { failed, Step } from "./step.js";

const NOTHING = { bundleText: null, newestText: null, proofText: null, trustText: null, node: null, look: null, ask: null };

/**
 * Check what a server has sent for a code.
 *
 * @param expected what was scanned or asked for: `{digits}`, `{code}`, `{sticker}`, `{instrument}` (id in hex; `part`,
 *   if one of it was asked for), null: a file.
 * @param bundleText its proof bundle; null: only what the digits themselves carry is checked.
 * @param newestText the same document's bundle under the newest checkpoint, if the other is of an older one.
 * @param proofText of a sticker its proof; of digits or an instrument the proof that the ledger lacks what they name.
 * @param ruleBook `{rules, limits}`: the two tables of regulations, CSV.
 * @param trustText the trust list; null: none.
 * @param remembered what an earlier call returned as `remember`; null: this device has seen nothing yet.
 * @param now the device's clock, milliseconds UTC.
 * @param node step 16 is looked up through this node of the user's choice: `{url, send}`, `send` the page's `fetch`.
 * @param look step 16 otherwise: returns it for a checkpoint.
 * @param ask of a sticker, or an instrument with parts: fetches the text of another file of the site, by its path;
 *   resolves to null where it is none.
 * @returns `{report, shown, remember, checkedByDevice, size, reason}`: `size` is how many leaves the newest state that
 *   was checked has, -1 if none was; `reason` says what was caught; `checkedByDevice` is false only where this device
 *   cannot compute: then `reason` says why, and the page has the server's word alone.
 *   Of these also `isOutOfStep`: its files are of different states of the log, and may agree if fetched again; and
 *   `isSentUsed`: whether the document of `bundleText` is one of those that the finding rests on.
 */
export async function checkOnDevice(given) {
  const remembered = given.remembered ?? null;
  const nothing = { report: null, shown: "CANNOT_CHECK", remember: remembered };
  try {
    return await check({ ...NOTHING, ...given, remembered });
  } catch (error) {
    if (error instanceof Caught) return { ...nothing, checkedByDevice: true, reason: error.words };
    const reason = { en: `this device cannot check: ${error.message}`, zh: `本机不能自检：${error.message}` };
    return { ...nothing, checkedByDevice: false, reason };
  }
}

async function check(given) {
  const [policy, pin] = await must("policy", "核验策略", () => openPolicy(given.policyText));
  comparePins(pin, given.remembered?.policy ?? pin);
  const session = await must("trust list or table of regulations", "信任列表或规程数据", () =>
    openSession(policy, given.ruleBook, given.trustText),
  );
  const look = given.node === null ? given.look : await openLook(given.node, policy);
  const task = { ...given, look, policy, pin, session };
  if (given.expected?.sticker !== undefined || given.proofText !== null) {
    return (await loadThings()).checkThing(task);
  }
  return given.bundleText === null ? (await import("./code_device.js")).checkCode(task) : checkDocument(task);
}

/** What only stickers, absences and instruments with parts need; a page that knows what was scanned may load it early. */
export const loadThings = () => import("./sticker_device.js");

/** What only photographs need. */
export const loadPhoto = () => import("./photo_device.js");

/** Return step 16 through a node. Its modules are loaded here, so that a step of theirs may be a copy of ours. */
async function openLook({ send, url }, policy) {
  const { lookThrough } = await import("./chain.js");
  const look = lookThrough(send, url, policy);
  return async (checkpoint) => ({ ...(await look(checkpoint)), step: Step.CHAIN });
}

async function checkDocument(task) {
  const { expected, policy, remembered, now } = task;
  const document = await openDocument(task.bundleText, task.newestText, task);
  const { found, newest } = document;
  requirePublished(task, newest.bundle.evidence, newest.established);
  const followed = hasParts(expected, found.bundle) ? await (await loadThings()).checkInstrument(task, document) : null;
  if (followed !== null) return followed;
  const states = listStates([document]);
  const [faults, doubts] = compareStates(states, remembered, now, policy);
  if (!isExpected(expected, found.bundle)) {
    const en = "the proof is of another document than the one that was asked for";
    document.faults.unshift(failed(Step.BINDING, en, "证明文件属于另一份证书，而非所查询的证书"));
  }
  const isInDoubt = document.doubts.length + doubts.length > 0;
  return conclude(task, {
    report: document.report,
    faults: [...document.faults, ...faults],
    doubts: [...document.doubts, ...doubts],
    states: [found, newest],
    choose: (report) => {
      const shown = chooseShown(report, policy);
      return isInDoubt && GOOD.has(shown) ? "CANNOT_CHECK" : shown;
    },
  });
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

/** Whether an instrument was asked for whose parts may have documents of their own beside the one that was sent. */
function hasParts(expected, bundle) {
  if (expected?.instrument === undefined || !isExpected(expected, bundle)) return false;
  const { part } = parseSignedStatement(bundle.statementRaw).statement.claims;
  return (part ?? null) !== null || bundle.certificate.record.instrument.parts.length > 0;
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
