// Lets the device check the proof behind the page, and says whose verdict the page shows.
//
// The page stands without this script, as the server's verdict. "Checked by this device itself" appears only after
// the verifier has computed every step here and has come to the same verdict; a device that cannot check says so,
// and one that comes to another verdict warns. Nothing is fetched from anywhere but this site. What it exports is for
// the other pages on which a device checks; there it has no line to write in, and does nothing.

const PINS = "hengzheng/pins/v1";
const RELOADED = "hengzheng/reloaded";
const PATIENCE_MS = 20_000;
const MOST_SKEW_MS = 10 * 60_000;
export const WRONG_CLOCK = { en: "the clock of this device is wrong", zh: "本机时间不准" };

const KEPT = {
  en: "The proof is kept on this device, for the time without network; the page of the scanner can clear it.",
  zh: "此证明已保存在本机，供断网时使用；可在扫码页清除。",
};

const line = document.getElementById("checker");

/** By the letter in the address, what the verifier calls what was scanned. */
const KINDS = { q: "digits", c: "code", i: "instrument", s: "sticker" };

/** What was scanned: the address is the phone's own, whatever the page says. */
function readScanned() {
  const found = /\/([qcis])\/([^/]+)$/.exec(location.pathname);
  if (!found) throw new Error("the address names no document, no sticker and no instrument");
  const scanned = { [KINDS[found[1]]]: decodeURIComponent(found[2]) };
  const part = new URLSearchParams(location.search).get("part");
  return scanned.instrument && part !== null ? { ...scanned, part } : scanned;
}

/** What the check was made with: address, as this site names it -> text. */
const fetched = new Map();

export function fetchFile(address, cache = "default") {
  const cancel = AbortSignal.timeout ? { signal: AbortSignal.timeout(PATIENCE_MS) } : {};
  return fetch(address, { credentials: "omit", redirect: "error", cache, ...cancel });
}

/** Text of a file of this site; null where it has none and need not. */
export async function fetchText(address, optional = false, fresh = false) {
  const answer = await fetchFile(address, fresh ? "no-cache" : "default");
  const { pathname, search } = new URL(address, document.baseURI);
  if (optional && answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  if (fresh) compareClocks(answer);
  const text = await answer.text();
  fetched.set(pathname + search, text);
  return text;
}

/** This device's clock is another than the server's: by which of them is not known, but dates cannot be judged. */
export class ClockError extends Error {}

function compareClocks(answer) {
  const said = Date.parse(answer.headers.get("date"));
  if (Math.abs(Date.now() - said) > MOST_SKEW_MS) throw new ClockError(WRONG_CLOCK.en);
}

/** What is kept under a name in `localStorage` or `sessionStorage`; a browser may refuse even to name these. */
export function recall(store, name) {
  try {
    return JSON.parse(globalThis[store].getItem(name));
  } catch {
    return null;
  }
}

/** What this device has seen before; null at its first visit. */
export function recallPins() {
  const pins = recall("localStorage", PINS);
  return typeof pins?.policy?.digest === "string" ? pins : null;
}

export function remember(store, name, value) {
  try {
    globalThis[store].setItem(name, JSON.stringify(value));
  } catch {
    // a private window keeps nothing; the check itself holds all the same
  }
}

/** One of the two languages of a sentence. */
export function say(sentence) {
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
  if (recall("sessionStorage", RELOADED) === page) return false;
  const answer = await fetch(page, { headers: { Accept: "application/json" }, cache: "no-cache" });
  if ((await answer.json()).shown !== shown) return false;
  remember("sessionStorage", RELOADED, page);
  if (recall("sessionStorage", RELOADED) !== page) return false; // where nothing is kept it might never end
  location.reload();
  return true;
}

/**
 * Whether the page has a newer state of the log than the proofs, which wait for their witnesses: then the two may
 * differ. Not where the page shows what people may rely on, nor where what was sent does not hold: those are alarms.
 */
const isAhead = ({ size, shown }) => Number(line.dataset.size) > size && shown !== "TAMPERED";

/** The files of the page's document; none where the page shows no document. */
async function fetchDocument(scanned, fresh) {
  const { code } = line.dataset;
  if (!code) return {};
  const record = `../c/${encodeURIComponent(code)}`;
  const own = scanned.digits || scanned.code ? location.pathname : record;
  const [bundleText, newestText] = await Promise.all([
    fetchText(`${own}/bundle.json`, false, fresh),
    fetchText(`${record}/newest.json`, true, fresh),
  ]);
  return newestText === null ? { bundleText } : { bundleText, newestText };
}

/** The files that prove what no bundle does: how a sticker stands, or that the ledger lacks what was scanned. */
async function fetchProof(scanned, fresh) {
  const own = location.pathname;
  if (scanned.sticker) return { proofText: await fetchText(`${own}/proof.json`, false, fresh), ask };
  if (line.dataset.code) return scanned.instrument ? { ask } : {};
  if (scanned.instrument) {
    const query = scanned.part === undefined ? "" : `?part=${encodeURIComponent(scanned.part)}`;
    return { proofText: await fetchText(`${own}/proof.json${query}`, false, fresh) };
  }
  const [proofText, trustText] = await Promise.all([
    fetchText(`${own}/absence.json`, false, fresh),
    fetchText("../trust.json", false, fresh),
  ]);
  return { proofText, trustText };
}

/** Another file of this site that the verifier asks for. */
const ask = (path) => fetchText(`../${path}`, true, true);

async function load(fresh) {
  fetched.clear();
  const scanned = readScanned();
  const device = await import(new URL(line.dataset.device, document.baseURI).href);
  if (scanned.sticker || !line.dataset.code) device.loadThings?.().catch(() => null); // on its way beside the files
  const [files, proof, policyText, rules] = await Promise.all([
    fetchDocument(scanned, fresh),
    fetchProof(scanned, fresh),
    fetchText("../policy.json", false, true),
    fetchText("../rules.json"),
  ]);
  const outcome = await device.checkOnDevice({
    ...files,
    ...proof,
    expected: scanned,
    policyText,
    ruleBook: JSON.parse(rules),
    remembered: recallPins(),
    now: Date.now(),
  });
  const checkedText = outcome.isSentUsed === false ? null : (files.newestText ?? files.bundleText);
  return { ...outcome, checkedText, policyText };
}

async function check() {
  if (!line.dataset.device) return show(line.dataset.unable, "unable");
  show(line.dataset.checking, "");
  let outcome;
  try {
    outcome = await load(false);
    const isSame = outcome.checkedByDevice !== true || outcome.shown === line.dataset.shown;
    if (outcome.isOutOfStep || !isSame) outcome = await load(true); // the log has grown between two files
  } catch (error) {
    return show(line.dataset.unable, "unable", error instanceof ClockError ? say(WRONG_CLOCK) : "");
  }
  if (outcome.checkedByDevice !== true) return show(line.dataset.unable, "unable", say(outcome.reason));
  if (outcome.shown !== line.dataset.shown) {
    if (await reloadIfOvertaken(outcome.shown).catch(() => false)) return undefined;
    if (isAhead(outcome)) return show(line.dataset.ahead, "unable");
    return show(line.dataset.differs, "bad", say(outcome.reason));
  }
  show(line.dataset.checked, "done", say(outcome.reason));
  document.getElementById("conclusion").textContent = `${line.dataset.checked}${line.dataset.stop}`;
  remember("sessionStorage", RELOADED, null);
  if (outcome.remember) {
    remember("localStorage", PINS, outcome.remember);
    showPins(outcome.remember);
  }
  watchPhoto(outcome).catch(() => undefined); // a page stands without it
  return keep().catch(() => undefined); // a device without room keeps nothing; the check itself holds all the same
}

/** Where the scanner is at home, it gets the proof for the time without network; elsewhere nothing is kept. */
async function keep() {
  if (!navigator.serviceWorker?.controller) return;
  const { keepSeen, readAddress } = await import("../scan/seen.js");
  const device = await import(new URL(line.dataset.device, document.baseURI).href);
  if (!(await keepSeen(readAddress(location.href, device).key, fetched, Date.now()))) return;
  const place = document.getElementById("pins");
  place.append(" ", say(KEPT));
  place.hidden = false;
}

/** Where the page has a photograph, it is checked against what the check above has found good. */
async function watchPhoto({ checkedText, policyText }) {
  const box = document.getElementById("photo");
  if (!box || !checkedText) return;
  const device = await import(new URL(line.dataset.device, document.baseURI).href);
  const { watch } = await import("./photo.js");
  watch(box, { device, bundleText: checkedText, policyText });
}

if (line) check();
