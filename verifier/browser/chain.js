// Step 16, a look at the contract itself: verifier/chain.py. The policy says which chain, genesis block, contract, code and
// finality count; what the node cannot or will not say is NOT_CHECKED, only a contradiction is FAILED.
import { bytesFromBig, encodeHex, equalBytes } from "./encoding.js";
import { UnavailableError } from "./errors.js";
import { Node, NonsenseError, parseBlockNumber, parseData, parseList, parseMembers, postBy, RefusedError } from "./node.js";
import { ANCHORED_TOPIC, encodeHeadCall, parseAnchoredEvent, parseHead, RegistryCodecError, saysUnknownLog } from "./registry.js";
import { sha256 } from "./sha256.js";
import { failed, notChecked, passed, Step } from "./step.js";

/** Requests for events before the search is given up. */
const MAX_LOG_REQUESTS = 256;

const spell = (data) => `0x${encodeHex(data)}`;
const spellNumber = (number) => `0x${number.toString(16)}`;

/** Return what looks a checkpoint up through the node at `url`, which `send`, a page's `fetch`, asks. */
export const lookThrough = (send, url, policy, options) => lookAtContract(postBy(send, url, options), policy);

/** As `lookThrough`, with `post` for what sends; each checkpoint is looked up once. */
export function lookAtContract(post, policy) {
  const node = new Node(post);
  const seen = new Map();
  return (checkpoint) => {
    const name = `${checkpoint.treeSize} ${encodeHex(checkpoint.rootHash)}`;
    if (!seen.has(name)) seen.set(name, look(node, policy.contract, checkpoint));
    return seen.get(name);
  };
}

async function look(node, pin, checkpoint) {
  if (pin === null) return notChecked(Step.CHAIN, "the policy names no contract", "策略未指定合约");
  try {
    return (await checkIdentity(node, pin)) ?? (await checkHead(node, pin, checkpoint));
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const isAnswer = error instanceof RefusedError || error instanceof NonsenseError;
    return notChecked(Step.CHAIN, error.message, isAnswer ? "节点拒绝应答或应答无法识别" : "节点无法连接");
  }
}

/** Compare chain, genesis block and code with the policy; null if they are equal. */
async function checkIdentity(node, { chain, codeHash }) {
  if (await node.isSyncing()) return notChecked(Step.CHAIN, "the node is still catching up", "节点仍在同步");
  const chainId = await node.askQuantity("eth_chainId");
  if (chainId !== BigInt(chain.chainId)) {
    return failed(
      Step.CHAIN,
      `the node serves chain ${chainId}, the policy names chain ${chain.chainId}`,
      `节点所在链为${chainId}，策略指定的链为${chain.chainId}`,
    );
  }
  const [, genesis] = await node.readBlock("0x0");
  if (!equalBytes(genesis, chain.genesisHash)) {
    return failed(Step.CHAIN, "the node serves another chain: its genesis block differs", "节点的创世区块与策略不符");
  }
  const code = parseData(await node.ask("eth_getCode", spell(chain.contract), "latest"));
  if (!equalBytes(sha256(code), codeHash)) {
    return failed(Step.CHAIN, "the contract's code is not what the policy names", "合约代码与策略不符");
  }
  return null;
}

async function checkHead(node, pin, checkpoint) {
  const head = await readHead(node, pin);
  if (head === null) return failed(Step.CHAIN, "the contract does not know this ledger", "合约中没有此账本");
  const size = checkpoint.treeSize;
  if (head.size < size) {
    return notChecked(
      Step.CHAIN,
      `not anchored yet: the contract holds ${head.size} leaves, the checkpoint has ${size}`,
      `尚未上链：合约为${head.size}条，账本状态为${size}条`,
    );
  }
  if (head.size === size && !equalBytes(head.root, checkpoint.rootHash)) return otherRoot(size);
  return checkEvent(node, pin, checkpoint);
}

/** What the contract holds now; null if it does not know the log. */
async function readHead(node, { chain }) {
  const call = { to: spell(chain.contract), data: spell(encodeHeadCall(chain.logId)) };
  try {
    return parseHead(parseData(await node.ask("eth_call", call, "latest")));
  } catch (error) {
    if (error instanceof RegistryCodecError) throw new NonsenseError("the node answers nonsense for the contract");
    if (error instanceof RefusedError && error.data !== null && saysUnknownLog(error.data)) return null;
    throw error;
  }
}

/** Find the event that anchored this size, and ask whether its block is final. */
async function checkEvent(node, pin, checkpoint) {
  const [latest] = await node.readBlock("latest");
  const found = await findEvent(node, pin, checkpoint.treeSize, latest);
  if (found === null) return notChecked(Step.CHAIN, "the node shows no event for this state", "节点未提供此状态的存证事件");
  const [event, block] = found;
  if (!equalBytes(event.root, checkpoint.rootHash)) return otherRoot(checkpoint.treeSize);
  if (block > (await findFinalBlock(node, pin.finality, latest))) {
    return notChecked(Step.CHAIN, `seen in block ${block}, which is not final yet`, `已在区块${block}中找到，尚未最终确认`);
  }
  const { chainId } = pin.chain;
  return passed(Step.CHAIN, `anchored in block ${block} of chain ${chainId}`, `已在链${chainId}的区块${block}中核对`);
}

/** The event of this size and its block: the whole chain at once, or newest pages first. */
async function findEvent(node, pin, treeSize, latest) {
  const topics = [ANCHORED_TOPIC, pin.chain.logId, bytesFromBig(BigInt(treeSize), 32)].map(spell);
  const wanted = { address: spell(pin.chain.contract), topics };
  let last = latest;
  let span = latest + 1;
  for (let asked = 0; asked < MAX_LOG_REQUESTS; asked++) {
    const first = Math.max(0, last - span + 1);
    const answer = await askEvents(node, { ...wanted, fromBlock: spellNumber(first), toBlock: spellNumber(last) }, span);
    if (answer === null) {
      span = Math.ceil(span / 2);
      continue;
    }
    for (const entry of parseList(answer.entries)) {
      const found = parseEntry(entry, pin);
      if (found !== null && found[0].size === treeSize && first <= found[1] && found[1] <= last) return found;
    }
    if (first === 0) return null;
    last = first - 1;
  }
  throw new NonsenseError("the node shows too few blocks at once to search its events");
}

/** `{entries}` as the node gives them; null where it refuses so many blocks at once. */
async function askEvents(node, wanted, span) {
  try {
    return { entries: await node.ask("eth_getLogs", wanted) };
  } catch (error) {
    if (error instanceof RefusedError && span > 1) return null;
    throw error;
  }
}

/** The newest block number that is final by the policy's rule; -1 if the node names none. */
async function findFinalBlock(node, finality, latest) {
  const [kind, value] = finality.split(":");
  if (kind === "depth") return latest - Number(value);
  if (kind === "immediate") return latest;
  try {
    return (await node.readBlock(value))[0];
  } catch (error) {
    if (error instanceof RefusedError || error instanceof NonsenseError) return -1;
    throw error;
  }
}

const otherRoot = (size) =>
  failed(Step.CHAIN, `the contract holds another root for ${size} leaves`, `合约中${size}条对应的根哈希不同`);

/** An event of this log and its block; null for any other event. */
function parseEntry(entry, { chain }) {
  parseMembers(entry, "address", "topics", "data", "blockNumber");
  const topics = parseList(entry.topics).map((topic) => parseData(topic));
  const event = attemptEvent(topics, parseData(entry.data));
  if (event === null || !equalBytes(parseData(entry.address), chain.contract) || !equalBytes(event.logId, chain.logId)) return null;
  return [event, parseBlockNumber(entry.blockNumber)];
}

function attemptEvent(topics, data) {
  try {
    return parseAnchoredEvent(topics, data);
  } catch (error) {
    if (error instanceof RegistryCodecError) return null;
    throw error;
  }
}
