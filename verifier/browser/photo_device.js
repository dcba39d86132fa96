// An entry of its own for pages that show a photograph: the device checks that it is the registered one. It is loaded
// when a picture is looked at, and takes whatever it can from what `device.js` has loaded.
import { parseBundle } from "./bundle.js";
import { encodeUtf8 } from "./encoding.js";
import { InputError, UnavailableError, VerificationError } from "./errors.js";
import { parsePhotoProof, verifyPhoto } from "./photo_proof.js";
import { parsePolicy } from "./policy.js";
import { Session } from "./session.js";

/**
 * Check a picture that a server shows beside a document which `checkOnDevice` has found good.
 *
 * @param photo its bytes.
 * @param proofText the proof that the document's institution has registered it.
 * @param bundleText newest bundle of the document, and `policyText`: those that `checkOnDevice` has had.
 * @returns true: it has; false: it has not, or the server cannot show it; null: this device cannot check.
 */
export async function checkPhotoOnDevice({ photo, proofText, bundleText, policyText }) {
  try {
    const session = await Session.open(parsePolicy(encodeUtf8(policyText)), null, null);
    await verifyPhoto(photo, parsePhotoProof(encodeUtf8(proofText)), parseBundle(encodeUtf8(bundleText)), session);
    return true;
  } catch (error) {
    if (error instanceof InputError || error instanceof VerificationError) return false;
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}
