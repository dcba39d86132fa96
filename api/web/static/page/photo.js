// Looks at a page's photograph once it is opened: what the page shows from then on are the very bytes that were checked.
// Nothing more is loaded for people who do not want to compare.
import { fetchFile } from "./check.js";

/** A file of this site that must be there. */
async function fetchAll(address) {
  const answer = await fetchFile(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer;
}

/** Show what this device finds of the picture; true: it is the registered one, false: not, null: not looked at. */
function tell(box, image, same) {
  for (const shown of [image, document.getElementById("photo-said")]) shown.hidden = same === false;
  const said = document.getElementById("photo-checked");
  said.textContent = same === null ? box.dataset.unable : same ? box.dataset.checked : box.dataset.differs;
  said.className = same === false ? "bad" : "";
  said.dataset.same = String(same);
}

async function look(box, { device, bundleText, policyText }) {
  const image = box.querySelector("img");
  let same = null;
  try {
    const [{ checkPhotoOnDevice }, proof, picture] = await Promise.all([
      device.loadPhoto(),
      fetchAll(box.dataset.proof),
      fetchAll(image.src),
    ]);
    const photo = new Uint8Array(await picture.arrayBuffer());
    same = await checkPhotoOnDevice({ photo, proofText: await proof.text(), bundleText, policyText });
    if (same) image.src = URL.createObjectURL(new Blob([photo], { type: "image/jpeg" }));
  } catch {
    same = null; // it could not be looked at: nothing is said of the picture itself
  }
  tell(box, image, same);
}

/**
 * Wait until the photograph is opened, then check it.
 *
 * @param box the element around it.
 * @param given the verifier, and the bundle and policy that it has found the document good with.
 */
export function watch(box, given) {
  if (box.open) look(box, given);
  else box.addEventListener("toggle", () => look(box, given), { once: true });
}
