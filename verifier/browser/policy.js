// What a verifier believes before it looks at anything, its policy file: ledger/core/policy.py.
import { parseChainIdentity } from "./anchor.js";
import { parseJson } from "./canonical.js";
import { DAY, quote } from "./encoding.js";
import { InputError, PolicyMismatchError, refuse } from "./errors.js";
import { Reader } from "./fields.js";
import { checkKeyName, NoteVerifier } from "./note.js";
import { parseHost } from "./qr.js";
import { parseQuorum } from "./quorum.js";
import { parseMultikey } from "./signature.js";
import { STEPS } from "./step.js";

const POLICY_TYPE = "hengzheng/policy/v1";
const FINALITY_PATTERN = "immediate|depth:[1-9][0-9]{0,4}|tag:safe|tag:finalized";

/** Whether a receipt of this grade is as settled as a contract's finality rule asks. */
export function isSettled(contract, grade) {
  const { finality } = contract;
  return finality === "immediate" || grade === "final" || (finality === "tag:safe" && grade === "safe");
}

/** Parse a policy file, bytes; people may format it as they like. */
export function parsePolicy(raw) {
  const reader = new Reader(parseJson(raw), "policy");
  reader.text("type", { maxBytes: 40, pattern: POLICY_TYPE });
  const root = reader.object("root");
  const log = parseLog(reader);
  const policy = {
    version: reader.integer("version", 1, 2 ** 31),
    origin: log.name,
    logKey: log.key,
    rootVersion: root.integer("version", 1, 2 ** 31),
    rootDigest: root.hex("digest", 32),
    contract: parseContract(reader.optObject("contract")),
    hosts: reader.texts("hosts", { maxBytes: 260 }).map(parsePolicyHost),
    required: new Set(reader.texts("required", { maxBytes: 20 }).map(parseStep)),
    lagWarning: reader.integer("lag_warning_days", 0, 10_000) * DAY,
    clockTolerance: reader.integer("clock_tolerance_seconds", 0, 86_400) * 1000,
    maxStatusAge: parseMaxAge(reader),
    zone: parseZone(reader.text("zone", { maxBytes: 64 })),
    development: reader.boolean("development"),
    witnesses: parseWitnesses(reader.optObject("witnesses"), log),
    publishedRules: reader.optBoolean("published_rules") ?? false,
    traceabilityRoots: new Set(reader.optTexts("traceability_roots", { maxBytes: 64 }) ?? []),
  };
  root.finish();
  reader.finish();
  const chain = policy.contract?.chain;
  if (chain?.isDevelopment && !policy.development) {
    throw new PolicyMismatchError(
      `chain ${chain.chainId} is a development chain, and this policy is not marked as one for development`,
      { field: "policy.contract.chain_id" },
    );
  }
  return Object.freeze(policy);
}

/** Refuse evidence of another log. */
export function requireOrigin(policy, origin) {
  if (policy.origin !== origin) {
    throw new PolicyMismatchError(`this is of the log ${origin}; the policy is for ${policy.origin}`);
  }
}

/** Run `parse`; what it refuses is about the member `name` of this reader. */
function about(reader, name, parse) {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InputError) reader.refuse(name, error.reason);
    throw error;
  }
}

function parseLog(reader) {
  const origin = reader.text("origin", { maxBytes: 120 });
  const key = reader.text("log_key", { maxBytes: 64 });
  about(reader, "origin", () => checkKeyName(origin));
  return about(reader, "log_key", () => new NoteVerifier(origin, parseMultikey(key)));
}

function parsePolicyHost(text) {
  try {
    return parseHost(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return refuse(`${quote(text)}: ${error.reason}`, "policy.hosts");
  }
}

function parseContract(reader) {
  if (reader === null) return null;
  const pin = {
    chain: parseChainIdentity(reader),
    codeHash: reader.hex("code_hash", 32),
    finality: reader.text("finality", { maxBytes: 20, pattern: FINALITY_PATTERN }),
  };
  reader.finish();
  return Object.freeze(pin);
}

function parseWitnesses(reader, log) {
  if (reader === null) return null;
  const quorum = parseQuorum(reader);
  about(reader, "keys", () => quorum.requireOtherKey(log.key));
  return quorum;
}

function parseStep(text) {
  return STEPS.find((one) => one.code === text) ?? refuse(`no step has the name ${quote(text)}`, "policy.required");
}

function parseMaxAge(reader) {
  const seconds = reader.optInteger("max_status_age_seconds", 1, 10 * 366 * 86_400);
  return seconds === null ? null : seconds * 1000;
}

/** Return a zone's name, spelled as the tables of zones spell it. */
function parseZone(text) {
  try {
    const found = new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
    const isSpelled = found === text || found.toLowerCase() !== text.toLowerCase();
    if (isSpelled && /^[A-Z]/.test(text)) return text;
  } catch {
    // told below
  }
  return refuse(`no time zone has the name ${quote(text)}`, "policy.zone");
}
