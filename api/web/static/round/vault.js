// What stays on the device: one sealed record, AES-GCM under a key that PBKDF2 makes of the passphrase.
// In the clear lie only salt, number of iterations and language; the device's key cannot be read out.
const NAME = "hengzheng-round";
const STORE = "kept";
export const ITERATIONS = 600_000;
export const MIN_LETTERS = 10;
const BOUND = new TextEncoder().encode("hengzheng/round-vault/v1");

/** The passphrase does not open what lies here. */
export class WrongPassphrase extends Error {}

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const openDatabase = () => {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
};

const deriveKey = async (passphrase, salt, iterations) => {
  const bytes = new TextEncoder().encode(passphrase.normalize("NFC"));
  const base = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
};

/** One device's memory; locked until a passphrase opens it. */
export class Vault {
  #database = null;
  #key = null;
  #last = Promise.resolve();

  async open() {
    this.#database = await openDatabase();
  }

  #read(name) {
    return done(this.#database.transaction(STORE).objectStore(STORE).get(name));
  }

  #write(entries) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(STORE, "readwrite", { durability: "strict" });
      for (const [name, value] of Object.entries(entries)) transaction.objectStore(STORE).put(value, name);
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }

  async isSetUp() {
    return (await this.#read("lock")) !== undefined;
  }

  async create(passphrase, privateKey, content) {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    this.#key = await deriveKey(passphrase, salt, ITERATIONS);
    await this.#write({ lock: { v: 1, salt, iterations: ITERATIONS }, key: privateKey, sealed: await this.#seal(content) });
  }

  async #seal(content) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const clear = new TextEncoder().encode(JSON.stringify(content));
    const how = { name: "AES-GCM", iv, additionalData: BOUND };
    return { iv, data: await crypto.subtle.encrypt(how, this.#key, clear) };
  }

  /** Open the memory; return what lies in it. */
  async unlock(passphrase) {
    await this.#last;
    const [lock, sealed] = [await this.#read("lock"), await this.#read("sealed")];
    const key = await deriveKey(passphrase, lock.salt, lock.iterations);
    const how = { name: "AES-GCM", iv: sealed.iv, additionalData: BOUND };
    let clear;
    try {
      clear = await crypto.subtle.decrypt(how, key, sealed.data);
    } catch {
      throw new WrongPassphrase();
    }
    this.#key = key;
    return JSON.parse(new TextDecoder().decode(clear));
  }

  get isOpen() {
    return this.#key !== null;
  }

  /** Keep this content, in the order of the calls; resolves when it is on disk. */
  save(content) {
    const key = this.#key;
    const text = JSON.stringify(content);
    const next = this.#last.then(async () => {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const how = { name: "AES-GCM", iv, additionalData: BOUND };
      const data = await crypto.subtle.encrypt(how, key, new TextEncoder().encode(text));
      await this.#write({ sealed: { iv, data } });
    });
    this.#last = next.catch(() => undefined);
    return next;
  }

  privateKey() {
    return this.#read("key");
  }

  lock() {
    this.#key = null;
  }

  /** Forget everything on this device for ever. */
  async erase() {
    this.#key = null;
    this.#database.close();
    await done(indexedDB.deleteDatabase(NAME));
    await this.open();
  }
}
