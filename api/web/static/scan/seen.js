// What this device has looked at and checked itself, kept on it for the time without network: proofs, never verdicts.
// Bounded in number, bytes and days; the oldest go first. Nothing of it leaves the device, and its user can clear it.
import { find, fromHost } from "./root.js";

const CACHE = "hengzheng-seen";
export const MOST = 100;
export const MOST_BYTES = 8 * 1024 * 1024;
export const MOST_DAYS = 90;

const DAY = 86_400_000;
const AT = "Kept-At";
const BYTES = "Kept-Bytes";
/** By the end of an address, what `checkOnDevice` calls the file. */
const NAMES = { "bundle.json": "bundleText", "newest.json": "newestText", "proof.json": "proofText" };
/** What is the same for every code: `kept.js` has it. */
const ANEW = new Set(["policy.json", "rules.json", "trust.json"]);

const attempt = (read, otherwise) => {
  try {
    return read();
  } catch {
    return otherwise;
  }
};

/**
 * What an address asks for, and under which name it is kept: {expected, key}; a path of this site, or in full.
 * `qr` are the verifier's functions for codes.
 */
export const readAddress = (address, qr) => {
  const { pathname: given, searchParams } = new URL(address.startsWith("/") ? find(address) : address);
  const pathname = fromHost(given);
  const [, kind, content] = pathname.split("/").map((each) => attempt(() => decodeURIComponent(each), each));
  const part = searchParams.get("part");
  if (kind === "q") return { expected: { digits: content }, key: `/c/${attempt(() => qr.computeCode(qr.parseDigits(content)), "")}` };
  if (kind === "c") return { expected: { code: content }, key: `/c/${attempt(() => qr.parseCode(content), content)}` };
  if (kind === "s") return { expected: { sticker: content }, key: pathname };
  if (part === null) return { expected: { instrument: content }, key: pathname };
  return { expected: { instrument: content, part }, key: `${pathname}?part=${encodeURIComponent(part)}` };
};

/** Where things are kept; null where this browser keeps nothing. */
const open = async () => {
  try {
    return "caches" in self ? await caches.open(CACHE) : null;
  } catch {
    return null;
  }
};

/** What is kept, newest first: {request, at, bytes}. */
const list = async (cache) => {
  const found = [];
  for (const request of await cache.keys()) {
    const { headers } = await cache.match(request);
    found.push({ request, at: Number(headers.get(AT)), bytes: Number(headers.get(BYTES)) });
  }
  return found.sort((one, other) => other.at - one.at);
};

const isOld = (at, now) => !(now - at < MOST_DAYS * DAY);

const tidy = async (cache, now) => {
  let bytes = 0;
  for (const [place, one] of (await list(cache)).entries()) {
    bytes += one.bytes;
    if (place >= MOST || bytes > MOST_BYTES || isOld(one.at, now)) await cache.delete(one.request);
  }
};

const getName = (address) => address.split("/").pop().split("?")[0];

/** What `checkOnDevice` is given of these files: `bundleText`, `newestText`, `proofText`, as far as they are there, and `ask`. */
export const nameFiles = (files) => {
  const named = {};
  for (const [address, text] of files) {
    const name = NAMES[getName(address)];
    if (name !== undefined) named[name] ??= text; // the page's own come first, then what the verifier has asked for
  }
  return { ...named, ask: async (path) => files.get(`/${path}`) ?? null };
};

/** Keep what a page of this site was checked with: `files`, path of this host -> text; `key` is what it is kept under. */
export const keepSeen = async (key, files, now) => {
  const own = [...files].filter(([address]) => !ANEW.has(getName(address))).map(([address, text]) => [fromHost(address), text]);
  const { bundleText, proofText } = nameFiles(files);
  if (bundleText === undefined && proofText === undefined) return false;
  const body = new TextEncoder().encode(JSON.stringify(own));
  const cache = await open();
  if (cache === null) return false;
  const headers = { "Content-Type": "application/json", [AT]: String(now), [BYTES]: String(body.length) };
  await cache.put(find(key), new Response(body, { headers }));
  await tidy(cache, now);
  return true;
};

/** The files that were kept of a page; null where there is nothing that can be used. */
export const recallSeen = async (key, now) => {
  const cache = await open();
  const found = await cache?.match(find(key));
  if (!found) return null;
  const at = Number(found.headers.get(AT));
  const files = await found.json().catch(() => null);
  return !Array.isArray(files) || isOld(at, now) ? null : new Map(files);
};

/** How many pages are kept. */
export const countSeen = async () => {
  const cache = await open();
  return cache === null ? 0 : (await cache.keys()).length;
};

/** Forget all of it. */
export const clearSeen = () => caches.delete(CACHE);
