// Verify credentials with a library that others wrote (W3C Data Integrity, eddsa-jcs-2022).
//
//     node verify_credential.mjs FILE...
//
// Each file holds one credential as JSON. Prints a JSON array with {verified, proofs, errors} for each file. The
// library is content when one proof of a set verifies; here every proof of the set must. Nothing is fetched: did:key
// documents are derived from their own name, everything else is refused.
import {readFileSync} from 'node:fs';
import jsigs from 'jsonld-signatures';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {createVerifyCryptosuite} from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';

const DID_KEY = /^(did:key:(z[1-9A-HJ-NP-Za-km-z]+))(?:#(z[1-9A-HJ-NP-Za-km-z]+))?$/;

async function loadDocument(url) {
  const match = DID_KEY.exec(url);
  if(!match) {
    throw new Error(`nothing is fetched: ${url}`);
  }
  const [, controller, key, fragment] = match;
  const method = `${controller}#${key}`;
  if(fragment === undefined) {
    const document = {'@context': 'https://www.w3.org/ns/did/v1', id: controller, assertionMethod: [method]};
    return {contextUrl: null, documentUrl: url, document};
  }
  const document = {
    '@context': 'https://w3id.org/security/multikey/v1',
    id: url, type: 'Multikey', controller, publicKeyMultibase: fragment
  };
  return {contextUrl: null, documentUrl: url, document};
}

async function verifyFile(path) {
  const credential = JSON.parse(readFileSync(path, 'utf8'));
  const expected = Array.isArray(credential.proof) ? credential.proof.length : 1;
  const suite = new DataIntegrityProof({cryptosuite: createVerifyCryptosuite()});
  const purpose = new jsigs.purposes.AssertionProofPurpose();
  const answer = await jsigs.verify(credential, {suite, purpose, documentLoader: loadDocument});
  const results = answer.results ?? [];
  const good = results.filter(result => result.verified).length;
  const errors = [answer.error, ...results.map(result => result.error)].flat().filter(Boolean);
  return {
    verified: answer.verified === true && good === expected,
    proofs: good,
    errors: errors.map(error => String(error.message ?? error))
  };
}

const answers = [];
for(const path of process.argv.slice(2)) {
  answers.push(await verifyFile(path));
}
console.log(JSON.stringify(answers));
