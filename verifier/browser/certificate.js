// The documents: a W3C credential in canonical JSON whose subject is the record: ledger/core/certificate.py.
import { encodeCanonicalJson, isObject, parseCanonicalJson } from "./canonical.js";
import { readSigningTimes, splitProofs } from "./data_integrity.js";
import { refuse } from "./errors.js";
import { Reader } from "./fields.js";
import { parseRecord } from "./record_parsing.js";
import { sha256 } from "./sha256.js";

export const CONTEXTS = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"];
export const MAX_CERTIFICATE_BYTES = 256 * 1024;
export const CREDENTIAL_TYPES = Object.freeze({
  verification_certificate: "VerificationCertificate",
  rejection_notice: "RejectionNotice",
  calibration_certificate: "CalibrationCertificate",
  paper_register: "PaperRegister",
});

/** A document as published, its proofs split off and not verified; `documentDigest` is what each of them signs. */
export class Certificate {
  constructor(raw, document, proofs, record, issuerDid) {
    Object.assign(this, { raw, document, proofs, record, issuerDid });
    this.digest = sha256(raw);
    this.documentDigest = sha256(encodeCanonicalJson(document));
    Object.freeze(this);
  }
}

/** The document of these published bytes. */
export const parseCertificate = (raw) => {
  const value = parseCanonicalJson(raw, { maxBytes: MAX_CERTIFICATE_BYTES });
  return isObject(value) ? parseCredential(value, raw) : refuse("a certificate is a JSON object");
};

/** A document that has been read already; `raw` is its canonical spelling. */
export const parseCredential = (value, raw) => {
  if (raw.length > MAX_CERTIFICATE_BYTES) {
    refuse(`a certificate of ${raw.length} bytes; at most ${MAX_CERTIFICATE_BYTES}`);
  }
  const [document, proofs] = splitProofs(value);
  const reader = new Reader(document);
  const contexts = reader.texts("@context", { maxBytes: 100 });
  const types = reader.texts("type", { maxBytes: 40 });
  const issuerDid = reader.text("issuer", { maxBytes: 100, pattern: "did:key:z[1-9A-HJ-NP-Za-km-z]+" });
  const subject = reader.object("credentialSubject");
  reader.finish();
  const record = parseRecord(subject, readSigningTimes(proofs));
  requireSame(contexts, CONTEXTS, "@context");
  requireSame(types, ["VerifiableCredential", CREDENTIAL_TYPES[record.documentType]], "type");
  return new Certificate(raw, document, proofs, record, issuerDid);
};

const requireSame = (texts, expected, field) => {
  if (JSON.stringify(texts) !== JSON.stringify(expected)) refuse(`expected exactly ${expected}`, field);
};
