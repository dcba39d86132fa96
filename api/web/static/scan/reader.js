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

const makeWorker = () => {
  const worker = new Worker(new URL("zxing_worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let count = 0;
  const settle = (id, act) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (one) act(one);
  };
  worker.addEventListener("message", ({ data: { id, texts, fault } }) => {
    settle(id, (one) => (fault === undefined ? one.resolve(texts) : one.reject(new ReaderFailed(fault))));
  });
  worker.addEventListener("error", () => {
    for (const id of [...waiting.keys()]) settle(id, (one) => one.reject(new ReaderFailed("not loaded")));
  });
  return (picture) =>
    new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      worker.postMessage({ id: count, picture });
    });
};

let made = null;

/** Return the one reader of this page: picture (ImageData) -> the different texts in it. */
export const findReader = () => {
  made ??= makeNative().then((native) => native ?? makeWorker());
  return made;
};
