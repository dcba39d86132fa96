// Tells the site roughly where a code was scanned, if the person who scanned it presses the button; never by itself.
//
// The device rounds: to a cell of a tenth of a degree, some ten kilometres wide. Nothing finer leaves it, and nothing
// about the device does.

const PER_DEGREE = 10;
const MOST_ERROR_METRES = 10_000;
const PATIENCE_MS = 30_000;

const box = document.getElementById("place");

/** Where the device is; what it already knows is good enough, and the satellites need not be asked. */
function locate() {
  const wishes = { enableHighAccuracy: false, maximumAge: 10 * 60_000, timeout: PATIENCE_MS };
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, wishes));
}

/** The cell of a place, as the server spells it: tenths of a degree of its south-west corner. */
function findCell({ latitude, longitude }) {
  const south = Math.min(Math.floor(latitude * PER_DEGREE), 90 * PER_DEGREE - 1);
  const west = Math.min(Math.floor(longitude * PER_DEGREE), 180 * PER_DEGREE - 1);
  return `${south},${west}`;
}

/** Sends the cell; says by the name of a sentence of the page what came of it. */
async function send(cell) {
  const { kind, code, scan } = box.dataset;
  const body = new URLSearchParams({ kind, code, scan, cell });
  const answer = await fetch("../place", { method: "POST", body, credentials: "omit", redirect: "error" });
  if (answer.ok) return "taken";
  return { 422: "old", 429: "many" }[answer.status] ?? "failed";
}

async function tell() {
  let place;
  try {
    place = await locate();
  } catch {
    return "denied";
  }
  if (!(place.coords.accuracy <= MOST_ERROR_METRES)) return "rough";
  return send(findCell(place.coords)).catch(() => "failed");
}

function offer() {
  const button = box.querySelector("button");
  const said = box.querySelector(".said");
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = box.dataset.asking;
    const outcome = await tell();
    said.textContent = box.dataset[outcome];
    box.dataset.state = outcome;
    button.disabled = ["taken", "many", "old"].includes(outcome);
  });
  box.hidden = false;
}

if (box && navigator.geolocation && window.isSecureContext) offer();
