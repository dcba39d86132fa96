// Who signs a document: the persons who have keys, in the record's order, and the seal: ledger/core/signatories.py.
import { parseProof, verifyProof } from "./data_integrity.js";
import { parseInstant } from "./encoding.js";
import { BrokenSignatureError } from "./errors.js";

/** The keys with which these persons sign, in the order of their proofs: one of each person. */
export const listSigningKeys = (persons) => [
  ...new Map(persons.filter(({ key }) => key !== null).map(({ key }) => [key.multikey, key])).values(),
];

/** Check that exactly the persons with keys and the institution have signed; return when it was sealed. */
export const verifySignatures = async (certificate, seal) => {
  const { proofs, document } = certificate;
  if (certificate.issuerDid !== seal.didKey) {
    throw new BrokenSignatureError("the certificate names another key as its issuer");
  }
  const keys = [...listSigningKeys(certificate.record.persons), seal];
  if (proofs.length !== keys.length) {
    const expected = keys.length === 1 ? "one seal" : `${keys.length - 1} of persons and one seal`;
    throw new BrokenSignatureError(`${proofs.length} proofs instead of ${expected}`);
  }
  let proof = null;
  for (const [at, key] of keys.entries()) {
    proof = parseProof(proofs[at]);
    await verifyProof(document, proof, key, { digest: certificate.documentDigest });
  }
  return parseInstant(proof.created);
};
