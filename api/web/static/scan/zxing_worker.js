// Reads QR codes beside the page's own thread; loaded when somebody first needs it.
import { prepareZXingModule, readBarcodes } from "../vendor/zxing_reader.js";

const locateFile = () => new URL("../vendor/zxing_reader.wasm", import.meta.url).href;
const ready = prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
const OPTIONS = { formats: ["QRCode"], maxNumberOfSymbols: 2, tryHarder: true, textMode: "Plain" };

const read = async (picture) => {
  await ready;
  const found = await readBarcodes(picture, OPTIONS);
  return [...new Set(found.filter((one) => one.isValid).map((one) => one.text))];
};

self.addEventListener("message", async ({ data: { id, picture } }) => {
  try {
    self.postMessage({ id, texts: await read(picture) });
  } catch (error) {
    self.postMessage({ id, fault: String(error) });
  }
});
