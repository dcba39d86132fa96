// What the registry contract is asked for and answers, as far as a look needs it: contracts/registry.py. Strict both ways:
// a word with a bit where none belongs is refused, never masked.
import { bigFromBytes, concatBytes, equalBytes, parseHex, readUnsigned } from "./encoding.js";
import { LedgerError } from "./errors.js";

const WORD = 32;
const ADDRESS = 20;
const HEAD_SELECTOR = parseHex("f339e3b2");
const UNKNOWN_LOG_SELECTOR = parseHex("3d199f11");
export const ANCHORED_TOPIC = parseHex("bea4d11b910aad40d2df2a90d97a3329219b6389f85777c99daad7eb5fafd439");

/** These bytes are not what the registry says. */
export class RegistryCodecError extends LedgerError {}

/** Call data of the view `head`; `parseHead` reads the answer. */
export const encodeHeadCall = (logId) => concatBytes(HEAD_SELECTOR, logId);

/** The public state of one log: `{size, root, operator, isFrozen}`. */
export function parseHead(answer) {
  const [size, root, operator, isFrozen] = splitWords(answer, 4);
  const head = { size: parseUint(size, 64), root, operator: parseAddress(operator), isFrozen: parseUint(isFrozen, 1) === 1 };
  if (head.operator.every((byte) => byte === 0)) fail("a head without operator belongs to no log");
  return head;
}

/** `{logId, size, root}` of an `Anchored` event; that it comes from the registry is for the caller to check. */
export function parseAnchoredEvent(topics, data) {
  if (topics.length !== 3 || !equalBytes(topics[0], ANCHORED_TOPIC)) fail("not an Anchored event");
  const [logId, size] = topics.slice(1).map((topic) => splitWords(topic, 1)[0]);
  const [root] = splitWords(data, 1);
  return { logId, size: parseUint(size, 64), root };
}

/** Whether revert data is the registry's own word that it does not know the log. */
export const saysUnknownLog = (data) =>
  data.length === UNKNOWN_LOG_SELECTOR.length + WORD && equalBytes(data.subarray(0, 4), UNKNOWN_LOG_SELECTOR);

function splitWords(data, count) {
  if (data.length !== count * WORD) fail(`${data.length} bytes instead of ${count * WORD}`);
  return Array.from({ length: count }, (_, at) => data.slice(at * WORD, (at + 1) * WORD));
}

function parseUint(word, bits) {
  if (bigFromBytes(word) >> BigInt(bits)) fail(`a number of more than ${bits} bits`);
  return readUnsigned(word);
}

function parseAddress(word) {
  parseUint(word, 8 * ADDRESS);
  return word.slice(WORD - ADDRESS);
}

function fail(message) {
  throw new RegistryCodecError(message);
}
