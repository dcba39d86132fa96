// Digests of an instrument's serial and of its seals in a statement: ledger/core/instrument.py.
import { encodeCanonicalJson } from "./canonical.js";
import { SEALS_DOMAIN, SERIAL_DOMAIN } from "./constants.js";
import { decodeUtf8, encodeUtf8 } from "./encoding.js";
import { refuse } from "./errors.js";
import { sha256 } from "./sha256.js";
import { hasForbiddenCharacter } from "./text.js";

/** The serial as a statement carries it: whole up to 24 bytes, else its first 9 to 12 and 4 bytes of hash. */
export const computeStatementSerial = (serial) => {
  const raw = encodeUtf8(serial);
  if (hasForbiddenCharacter(serial)) refuse("expected text without control characters", "serial");
  if (!raw.length || raw.length > 200) refuse("expected 1 to 200 bytes of text", "serial");
  if (raw.length <= 24) return Object.freeze({ text: serial, tail: null });
  let end = 12;
  while ((raw[end] & 0xc0) === 0x80) end -= 1;
  return Object.freeze({ text: decodeUtf8(raw.slice(0, end)), tail: sha256(SERIAL_DOMAIN, raw).slice(0, 4) });
};

/** 8 bytes over the list of seals (铅封), as `[number, point]`, in the order of the record. */
export const computeSealsDigest = (seals) =>
  sha256(SEALS_DOMAIN, encodeCanonicalJson(seals.map(([no, point]) => ({ no, point })))).slice(0, 8);
