// Lets the device check the proof behind the page, and says whose verdict the page shows.
//
// The page stands without this script, as the server's verdict. "Checked by this device itself" appears only after
// the verifier has computed every step here and has come to the same verdict; a device that cannot check says so,
// and one that comes to another verdict warns. Nothing is fetched from anywhere but this site.

const PINS = "hengzheng/pins/v1";
const RELOADED = "hengzheng/reloaded";
const PATIENCE_MS = 20_000;
const MOST_SKEW_MS = 10 * 60_000;
const WRONG_CLOCK = { en: "the clock of this device is wrong", zh: "本机时间不准" };

const line = document.getElementById("checker");

/** By the letter in the address, what the verifier calls what was scanned. A sticker names nothing by itself. */
const KINDS = { q: "digits", c: "code", i: "instrument" };

/** What was scanned: the address is the phone's own, whatever the page says. */
function readScanned() {
  const found = /\/([qci])\/([^/]+)$/.exec(location.pathname);
  if (!found) throw new Error("the address names no document and no instrument");
  const scanned = { [KINDS[found[1]]]: decodeURIComponent(found[2]) };
  const part = new URLSearchParams(location.search).get("part");
  return scanned.instrument && part !== null ? { ...scanned, part } : scanned;
}

function fetchFile(address, cache = "default") {
  const cancel = AbortSignal.timeout ? { signal: AbortSignal.timeout(PATIENCE_MS) } : {};
  return fetch(address, { credentials: "omit", redirect: "error", cache, ...cancel });
}

/** Text of a file of this site; null where it has none and need not. */
async function fetchText(address, optional = false, fresh = false) {
  const answer = await fetchFile(address, fresh ? "no-cache" : "default");
  if (optional && answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  if (fresh) compareClocks(answer);
  return answer.text();
}

/** This device's clock is another than the server's: by which of them is not known, but dates cannot be judged. */
class ClockError extends Error {}

function compareClocks(answer) {
  const said = Date.parse(answer.headers.get("date"));
  if (Math.abs(Date.now() - said) > MOST_SKEW_MS) throw new ClockError(WRONG_CLOCK.en);
}

function recall(store, name) {
  try {
    return JSON.parse(store.getItem(name));
  } catch {
    return null;
  }
}

/** What this device has seen before; null at its first visit. */
function recallPins() {
  const pins = recall(localStorage, PINS);
  return typeof pins?.policy?.digest === "string" ? pins : null;
}

function remember(store, name, value) {
  try {
    store.setItem(name, JSON.stringify(value));
  } catch {
    // a private window keeps nothing; the check itself holds all the same
  }
}

/** One of the two languages of a sentence. */
function say(sentence) {
  if (!sentence) return "";
  return document.documentElement.lang === "en" ? sentence.en : sentence.zh;
}

function show(text, style, more) {
  line.className = `checker ${style}`;
  line.textContent = more ? `${text} (${more})` : text;
  line.dataset.state = style || "server";
}

/** Says what was pinned at the first visit, so that people can compare it with what an authority has published. */
function showPins({ policy }) {
  const place = document.getElementById("pins");
  place.textContent = `${line.dataset.pins}${policy.version}${line.dataset.pinsEnd}${policy.digest}`;
  place.hidden = false;
}

/** Whether the page was overtaken by the log: the server itself says something else by now. Then it is loaded anew, once. */
async function reloadIfOvertaken(shown) {
  const page = `${location.pathname}${location.search}`;
  if (recall(sessionStorage, RELOADED) === page) return false;
  const answer = await fetch(page, { headers: { Accept: "application/json" }, cache: "no-cache" });
  if ((await answer.json()).shown !== shown) return false;
  remember(sessionStorage, RELOADED, page);
  location.reload();
  return true;
}

async function load() {
  const scanned = readScanned();
  const record = `../c/${encodeURIComponent(line.dataset.code)}`;
  const proof = scanned.instrument ? `${record}/bundle.json` : `${location.pathname}/bundle.json`;
  const device = await import(new URL(line.dataset.device, document.baseURI).href);
  const [bundleText, newestText, policyText, rules] = await Promise.all([
    fetchText(proof),
    fetchText(`${record}/newest.json`, true),
    fetchText("../policy.json", false, true),
    fetchText("../rules.json"),
  ]);
  const question = {
    expected: scanned,
    bundleText,
    policyText,
    ruleBook: JSON.parse(rules),
    remembered: recallPins(),
    now: Date.now(),
  };
  if (newestText !== null) question.newestText = newestText;
  return { ...(await device.checkOnDevice(question)), checkedText: newestText ?? bundleText, policyText };
}

/** Looks at the photograph once it is opened: what the page shows from then on are the very bytes that were checked. */
async function checkPhoto(box, { checkedText, policyText }) {
  const image = box.querySelector("img");
  let same = null;
  try {
    const [device, proofText, answer] = await Promise.all([
      import(new URL(box.dataset.device, document.baseURI).href),
      fetchText(box.dataset.proof),
      fetchFile(image.src),
    ]);
    if (!answer.ok) throw new Error(`${image.src}: ${answer.status}`);
    const photo = new Uint8Array(await answer.arrayBuffer());
    same = await device.checkPhotoOnDevice({ photo, proofText, bundleText: checkedText, policyText });
    if (same) image.src = URL.createObjectURL(new Blob([photo], { type: "image/jpeg" }));
  } catch {
    same = null; // it could not be looked at: nothing is said of the picture itself
  }
  for (const shown of [image, document.getElementById("photo-said")]) shown.hidden = same === false;
  const said = document.getElementById("photo-checked");
  said.textContent = same === null ? box.dataset.unable : same ? box.dataset.checked : box.dataset.differs;
  said.className = same === false ? "bad" : "";
  said.dataset.same = String(same);
}

/** Waits for people who want to compare: nothing more is loaded for those who do not. */
function watchPhoto(outcome) {
  const box = document.getElementById("photo");
  if (!box) return;
  const look = () => checkPhoto(box, outcome);
  if (box.open) look();
  else box.addEventListener("toggle", look, { once: true });
}

async function check() {
  if (!line.dataset.device) return show(line.dataset.unable, "unable");
  show(line.dataset.checking, "");
  let outcome;
  try {
    outcome = await load();
  } catch (error) {
    return show(line.dataset.unable, "unable", error instanceof ClockError ? say(WRONG_CLOCK) : "");
  }
  if (outcome.checkedByDevice !== true) return show(line.dataset.unable, "unable", say(outcome.reason));
  if (outcome.shown !== line.dataset.shown) {
    const overtaken = await reloadIfOvertaken(outcome.shown).catch(() => false);
    return overtaken ? undefined : show(line.dataset.differs, "bad", say(outcome.reason));
  }
  show(line.dataset.checked, "done", say(outcome.reason));
  document.getElementById("conclusion").textContent = `${line.dataset.checked}${line.dataset.stop}`;
  remember(sessionStorage, RELOADED, null);
  watchPhoto(outcome);
  if (!outcome.remember) return undefined;
  remember(localStorage, PINS, outcome.remember);
  return showPins(outcome.remember);
}

if (line) check();
