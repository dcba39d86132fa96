// What a scanned text is, as `api/scanned.py` says it: a code of ours, sixteen symbols, or an address of another site.
import { ALPHABET, parseCode, parseDigits } from "../verifier/all.js";

const MAX_TEXT = 2048;
const MAX_SITE = 120;
const NEAR = 2;
const COMMON = ["ac", "co", "com", "edu", "gov", "net", "org"];
const ADDRESS = /^([A-Za-z][A-Za-z0-9+.-]{0,30}):[/\\]{2,}([^/\\?#]*)/;
const CONFUSED = { 0: "o", 1: "l", i: "l", 5: "s", "-": "", ".": "", _: "" };

const parsePlain = (text) => {
  if ([...text].some((symbol) => !ALPHABET.includes(symbol))) throw new Error("not as it is printed");
  parseCode(text);
};

const parseInstrument = (text) => {
  if (!/^[0-9a-f]{32}$/.test(text)) throw new Error("no instrument has such an id");
};

const parseSite = (text) => {
  if (!/^[A-Z0-9][A-Z0-9-]{0,11}\/[A-Z0-9][A-Z0-9-]{0,11}$/.test(text)) throw new Error("no site has such an address");
};

const PARSERS = { q: parseDigits, c: parsePlain, s: parsePlain, i: parseInstrument, site: parseSite };

const readOwn = (text, host) => {
  const start = `https://${host}/`;
  if (!text.startsWith(start)) return null;
  const [kind, ...content] = text.slice(start.length).split("/");
  if (!Object.hasOwn(PARSERS, kind)) return null;
  try {
    PARSERS[kind](content.join("/"));
  } catch {
    return null;
  }
  return { kind: "own", path: text.slice(start.length - 1) };
};

const isAscii = (text) => /^[\x20-\x7e]*$/.test(text);

/** Return a name in ASCII: what only looks like our letters is spelled out. */
const spellSite = (authority) => {
  const name = authority.replace(/:[0-9]*$/, "").toLowerCase();
  if (isAscii(name)) return name;
  try {
    return new URL(`https://${name}/`).hostname;
  } catch {
    return encodeURIComponent(name);
  }
};

const simplify = (name) =>
  [...name].map((letter) => CONFUSED[letter] ?? letter).join("").replaceAll("rn", "m").replaceAll("vv", "w");

const isNear = (one, other) => {
  if (Math.abs(one.length - other.length) > NEAR) return false;
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const change = above[column - 1] + (one[row - 1] === other[column - 1] ? 0 : 1);
      line.push(Math.min(change, above[column] + 1, line[column - 1] + 1));
    }
    above = line;
  }
  return above[other.length] <= NEAR;
};

const resembles = (site, own) => {
  const labels = site.split(".");
  if (site.includes(own) || labels.some((label) => label.startsWith("xn--"))) return true;
  const names = own.split(".").slice(0, -1).filter((name) => !COMMON.includes(name) && name.length > NEAR);
  return names.some((name) => labels.includes(name)) || isNear(simplify(site), simplify(own));
};

const isLookAlike = (site, hosts) => hosts.some((host) => resembles(site.toLowerCase(), host.split(":")[0]));

/** What was typed, as it is printed: full-width forms, other dashes and blanks are those of keyboards. */
const foldTyped = (text) => text.normalize("NFKC").replace(/[‐‑‒–—―−ー]/g, "-").replace(/\s/g, "");

const readTyped = (text, under) => ({ kind: "typed", code: parseCode(foldTyped(text)), ...under });

/** An address of ours that somebody typed as labels are read, without `https://`. */
const readBare = (text, hosts) => {
  const typed = foldTyped(text);
  const host = hosts.find((each) => typed.slice(0, each.length + 1).toLowerCase() === `${each}/`);
  if (host === undefined) return null;
  const [kind, ...content] = typed.slice(host.length + 1).split("/");
  const under = kind.toLowerCase();
  if (["c", "s"].includes(under)) return readTyped(content.join("/"), { under });
  return readOwn(`https://${host}/${[kind, ...content].join("/")}`, host);
};

/**
 * Return what a text is: {kind: "own", path}, {kind: "typed", code}, {kind: "foreign", site, isLookAlike}, or
 * {kind: "nothing"}; `hosts` are the names of this site as they are printed. Beside a typed code stands `under`, "c" or
 * "s", where an address was typed that says which: a server looks it up, a device without network has only that word.
 */
export const readScanned = (given, hosts) => {
  const text = given.trim();
  if (text.length > MAX_TEXT) return { kind: "nothing" };
  const match = ADDRESS.exec(text);
  if (match === null) {
    try {
      return readBare(text, hosts) ?? readTyped(text);
    } catch {
      return { kind: "nothing" };
    }
  }
  const own = hosts.map((host) => readOwn(text, host)).find((found) => found !== null);
  if (own) return own;
  const at = match[2].lastIndexOf("@");
  const site = spellSite(match[2].slice(at + 1));
  const alike = isLookAlike(site, hosts) || (at >= 0 && isLookAlike(spellSite(match[2].slice(0, at)), hosts));
  return { kind: "foreign", site: site.slice(0, MAX_SITE) || `${match[1]}:`, isLookAlike: alike };
};
