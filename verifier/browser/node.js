// A node that the verifier asks, JSON-RPC by hand: verifier/node.py. It is somebody else's computer: each request is sent
// once, to no other place than the one named, and its answer has a limit of size and time. The page hands in its `fetch`.
import { concatBytes, decodeUtf8, parseHex } from "./encoding.js";
import { InputError, UnavailableError } from "./errors.js";

/** For one answer, to its last byte. */
export const TIMEOUT_MS = 10_000;
export const MAX_ANSWER_BYTES = 1024 * 1024;

const MAX_BLOCK = 2n ** 53n;
const QUANTITY = /^0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/;
const DATA = /^0x[0-9a-fA-F]*$/;

/** The node answers with an error; `data` is what a contract gave with its revert, or null. */
export class RefusedError extends UnavailableError {
  constructor(data) {
    super("the node refuses to answer");
    this.data = data;
  }
}

/** The node answers what no node can mean. */
export class NonsenseError extends UnavailableError {}

const nonsense = (message) => {
  throw new NonsenseError(message);
};

/** Return what posts a request's text to this address by `send`, a page's `fetch`, and returns the bytes of the answer. */
export const postBy = (send, url, { timeoutMs = TIMEOUT_MS } = {}) => async (body) => {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), timeoutMs);
  try {
    return await exchange(send, url, body, control.signal);
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    throw new UnavailableError(control.signal.aborted ? "the node is too slow" : "the node is out of reach");
  } finally {
    clearTimeout(timer);
  }
};

async function exchange(send, url, body, signal) {
  const answer = await send(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    signal,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  if (!answer.ok) throw new UnavailableError(`the node answers HTTP ${answer.status}`);
  return readAll(answer.body);
}

async function readAll(stream) {
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(...parts);
    size += value.length;
    parts.push(value);
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel();
      nonsense("the node answers more than can be meant");
    }
  }
}

/** One node; `post` takes a request's text and returns the bytes of the answer. */
export class Node {
  #post;
  constructor(post) {
    this.#post = post;
  }

  /** Whether the node says that it does not know the newest blocks yet. */
  async isSyncing() {
    try {
      return (await this.ask("eth_syncing")) !== false;
    } catch (error) {
      if (error instanceof RefusedError) return false;
      throw error;
    }
  }

  /** An integer, as BigInt. */
  async askQuantity(method) {
    return parseQuantity(await this.ask(method));
  }

  /** Number and hash of a block. */
  async readBlock(selector) {
    const block = parseMembers(await this.ask("eth_getBlockByNumber", selector, false), "number", "hash");
    return [parseBlockNumber(block.number), parseData(block.hash, { size: 32 })];
  }

  /** The result of one call. UnavailableError: no answer, an error, or an answer that is not JSON-RPC. */
  async ask(method, ...params) {
    const raw = await this.#post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    const answer = parseAnswer(raw);
    if (isObject(answer) && Object.hasOwn(answer, "error") && answer.error !== null) {
      throw new RefusedError(findRevertData(answer.error));
    }
    return parseMembers(answer, "result").result;
  }
}

const isData = (value) => typeof value === "string" && value.length % 2 === 0 && DATA.test(value);

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function parseAnswer(raw) {
  try {
    return JSON.parse(decodeUtf8(raw));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof InputError)) throw error;
    return nonsense("the node does not speak JSON-RPC");
  }
}

/** What a contract gave with its revert, where the node passes it on; else null. */
function findRevertData(error) {
  let data = isObject(error) ? error.data : null;
  if (isObject(data)) data = data.data;
  return isData(data) ? parseData(data) : null;
}

/** An object that has these members. */
export function parseMembers(answer, ...names) {
  if (isObject(answer) && names.every((name) => Object.hasOwn(answer, name))) return answer;
  return nonsense("the node answers without a member that must be there");
}

/** A list. */
export const parseList = (answer) => (Array.isArray(answer) ? answer : nonsense("the node answers no list of events"));

/** An integer of at most 256 bits, as BigInt. */
export function parseQuantity(value) {
  return typeof value === "string" && QUANTITY.test(value) ? BigInt(value) : nonsense("the node answers no number");
}

/** The number of a block. */
export function parseBlockNumber(value) {
  const number = parseQuantity(value);
  return number < MAX_BLOCK ? Number(number) : nonsense("the node names a block that no chain has reached");
}

/** Bytes; `size` of them if given. */
export function parseData(value, { size = null } = {}) {
  if (!isData(value)) nonsense("the node answers no bytes");
  const data = parseHex(value.slice(2).toLowerCase());
  return size === null || data.length === size ? data : nonsense(`the node answers ${data.length} bytes instead of ${size}`);
}
