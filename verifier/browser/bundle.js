// The proof bundle: everything needed to verify a document offline: ledger/core/bundle.py.
import { parseReceipt } from "./anchor.js";
import { encodeCanonicalJson, parseCanonicalJson } from "./canonical.js";
import { parseCredential } from "./certificate.js";
import { parseBase64 } from "./encoding.js";
import { parseHeader } from "./entry.js";
import { parseEvidence } from "./evidence.js";
import { Reader } from "./fields.js";
import { MAX_NOTE_BYTES } from "./note.js";
import { sha256 } from "./sha256.js";

const BUNDLE_TYPE = "hengzheng/bundle/v1";
const SUITE = "ed25519/sha-256";
/** Longest bundle, in bytes. */
export const MAX_BUNDLE_BYTES = 2 * 1024 * 1024;

/** Parse a bundle, bytes, strictly; nothing in it is verified yet. */
export function parseBundle(raw) {
  const value = parseCanonicalJson(raw, { maxBytes: MAX_BUNDLE_BYTES });
  const reader = new Reader(value, "bundle");
  reader.text("type", { maxBytes: 40, pattern: BUNDLE_TYPE });
  reader.text("suite", { maxBytes: 40, pattern: SUITE });
  const stated = reader.hex("digest", 32);
  const credential = reader.members("certificate");
  const leaf = reader.object("leaf");
  const headerRaw = parseBase64(leaf.text("header", { maxBytes: 200 }));
  const evidence = reader.object("evidence");
  const bundle = {
    origin: reader.text("origin", { maxBytes: 120 }),
    certificate: parseCredential(credential, encodeCanonicalJson(credential)),
    statementRaw: parseBase64(reader.text("statement", { maxBytes: 90_000 })),
    leafIndex: leaf.integer("index", 0, Number.MAX_SAFE_INTEGER),
    headerRaw,
    header: parseHeader(headerRaw),
    inclusion: parseInclusion(reader),
    checkpoint: reader.lines("checkpoint", { maxBytes: MAX_NOTE_BYTES }),
    evidence: parseEvidence(evidence),
    mapProof: parseBase64(reader.text("map", { maxBytes: MAX_BUNDLE_BYTES })),
    receipt: parseOptionalReceipt(reader),
    earlier: parseEarlier(reader.optObject("earlier")),
    statedDigest: stated,
    computedDigest: computeDigest(value),
  };
  leaf.finish();
  reader.finish();
  return Object.freeze(bundle);
}

export function parseInclusion(reader) {
  return reader.texts("inclusion", { maxBytes: 44 }).map((text) => parseBase64(text, { size: 32 }));
}

function parseOptionalReceipt(reader) {
  const receipt = reader.optObject("receipt");
  return receipt === null ? null : parseReceipt(receipt);
}

function parseEarlier(reader) {
  if (reader === null) return null;
  const earlier = { inclusion: parseInclusion(reader), receipt: parseReceipt(reader.object("receipt")) };
  reader.finish();
  return Object.freeze(earlier);
}

function computeDigest(value) {
  const rest = Object.assign(Object.create(null), value);
  delete rest.digest;
  return sha256(encodeCanonicalJson(rest));
}
