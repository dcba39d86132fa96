// JSON in its one spelling (RFC 8785 for what documents hold: no floats), and bytes as texts.
const BARE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Return a value as canonical JSON. */
export const spell = (value) => {
  if (value === true || value === false) return String(value);
  if (typeof value === "string") {
    if (BARE.test(value)) throw new TypeError("text that is not Unicode");
    return JSON.stringify(value);
  }
  if (Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(spell).join(",")}]`;
  if (value === null || typeof value !== "object") throw new TypeError("not of the JSON profile");
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${spell(value[name])}`).join(",")}}`;
};

export const encode = (value) => new TextEncoder().encode(spell(value));
export const toHex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
export const toBase64 = (bytes) => btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));

export const digest = async (bytes) => toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
