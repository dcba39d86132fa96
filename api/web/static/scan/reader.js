// Reads QR codes in pictures: by the browser's own detector where there is one, else by zxing in a worker.
const KIND = "qr_code";

/** The reader of codes could not be loaded, or stopped. */
export class ReaderFailed extends Error {}

const makeNative = async () => {
  if (!("BarcodeDetector" in self)) return null;
  const kinds = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!kinds.includes(KIND)) return null;
  const detector = new BarcodeDetector({ formats: [KIND] });
  return async (picture) => [...new Set((await detector.detect(picture)).map((one) => one.rawValue))];
};

/** `giveUp` is called once, where the worker was not loaded or has stopped: its reader then refuses every picture. */
const makeWorker = (giveUp) => {
  const worker = new Worker(new URL("zxing_worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let count = 0;
  let failure = null;
  const fail = (fault) => {
    worker.terminate(); // what failed once does not answer again; the next use starts anew
    failure ??= new ReaderFailed(fault);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
    giveUp();
  };
  worker.addEventListener("message", ({ data: { id, texts, fault } }) => {
    if (fault !== undefined) return fail(fault);
    waiting.get(id)?.resolve(texts);
    waiting.delete(id);
    return undefined;
  });
  worker.addEventListener("error", () => fail("not loaded"));
  return (picture) =>
    new Promise((resolve, reject) => {
      if (failure !== null) return reject(failure);
      count += 1;
      waiting.set(count, { resolve, reject });
      return worker.postMessage({ id: count, picture });
    });
};

let made = null;

const makeReader = async (forget) => (await makeNative()) ?? makeWorker(forget);

/** Return the one reader of this page: picture (ImageData) -> the different texts in it. */
export const findReader = () => {
  if (made === null) {
    const own = makeReader(() => {
      if (made === own) made = null;
    });
    made = own;
    own.catch(() => {
      made = null;
    });
  }
  return made;
};
