// Anchor receipts, reading only: ledger/core/anchor.py.
import { encodeCanonicalJson } from "./canonical.js";
import { RECEIPT_DOMAIN } from "./constants.js";
import { concatBytes, encodeHex, encodeInstant, equalBytes } from "./encoding.js";
import { verifySignature } from "./signature.js";

const RECEIPT_TYPE = "hengzheng/receipt/v1";
const DEVELOPMENT_CHAIN_IDS = new Set([1337, 31337, 131277322940537]);
const MOST = Number.MAX_SAFE_INTEGER;
/** How settled the block was when the receipt was signed. */
export const AnchorGrade = Object.freeze({ INCLUDED: "included", SAFE: "safe", FINAL: "final" });

/** Which contract on which chain holds a log's heads. */
export class ChainIdentity {
  constructor(chainId, genesisHash, contract, logId) {
    Object.assign(this, { chainId, genesisHash, contract, logId });
    Object.freeze(this);
  }

  /** Whether this chain id is one that development nodes use. */
  get isDevelopment() {
    return DEVELOPMENT_CHAIN_IDS.has(this.chainId);
  }

  /** Whether both name the same contract. */
  equals(other) {
    const same = (name) => equalBytes(this[name], other[name]);
    return this.chainId === other.chainId && same("genesisHash") && same("contract") && same("logId");
  }
}

/** Take the four members that name a contract from a reader. */
export function parseChainIdentity(reader) {
  return new ChainIdentity(
    reader.integer("chain_id", 0, MOST),
    reader.hex("genesis_hash", 32),
    reader.hex("contract", 20),
    reader.hex("log_id", 32),
  );
}

/** Parse a receipt; its signature is for `verifyReceipt`. */
export function parseReceipt(reader) {
  reader.text("type", { maxBytes: 40, pattern: RECEIPT_TYPE });
  const receipt = {
    chain: parseChainIdentity(reader),
    treeSize: reader.integer("tree_size", 1, MOST),
    rootHash: reader.hex("root_hash", 32),
    txHash: reader.hex("tx_hash", 32),
    blockNumber: reader.integer("block_number", 0, MOST),
    blockHash: reader.hex("block_hash", 32),
    anchoredAt: reader.instant("anchored_at"),
    grade: reader.enum("grade", AnchorGrade),
    signature: reader.hex("signature", 64),
  };
  reader.finish();
  return Object.freeze(receipt);
}

/** Check the log's signature over every field; BrokenSignatureError where it does not hold. */
export async function verifyReceipt(receipt, logKey) {
  const { chain } = receipt;
  const members = {
    type: RECEIPT_TYPE,
    chain_id: chain.chainId,
    genesis_hash: encodeHex(chain.genesisHash),
    contract: encodeHex(chain.contract),
    log_id: encodeHex(chain.logId),
    tree_size: receipt.treeSize,
    root_hash: encodeHex(receipt.rootHash),
    tx_hash: encodeHex(receipt.txHash),
    block_number: receipt.blockNumber,
    block_hash: encodeHex(receipt.blockHash),
    anchored_at: encodeInstant(receipt.anchoredAt),
    grade: receipt.grade,
  };
  await verifySignature(logKey, receipt.signature, concatBytes(RECEIPT_DOMAIN, encodeCanonicalJson(members)));
}
