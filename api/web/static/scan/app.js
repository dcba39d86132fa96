// The page of the scanner: camera, picture, file or typed code -> the page of that code, or a warning. Without network
// it is also what stands at the address of a code, and says what this device can say by itself.
import { Camera, hasCamera } from "./camera.js";
import { refresh } from "./kept.js";
import { chooseKept, judgeOffline } from "./offline.js";
import { readScanned } from "./printed.js";
import { ReaderFailed, findReader } from "./reader.js";
import { SCOPE, find, fromHost } from "./root.js";
import { MOST, MOST_DAYS, clearSeen, countSeen } from "./seen.js";
import { h, showVerdict } from "./views.js";
import { t } from "./words.js";

const CODE_PAGE = /^\/([qcsi])\/./;
const BIGGEST_SIDE = 2400;
const element = (id) => document.getElementById(id);
const hosts = JSON.parse(document.body.dataset.hosts);

const tell = (text) => {
  element("said").textContent = text;
};

// --- what was read --------------------------------------------------------------------------------------------

const warn = ({ site, isLookAlike }) => {
  const title = isLookAlike
    ? t("Careful: this code imitates this site", "当心：该二维码冒充本站")
    : t("This code leads to another site", "该二维码指向其他网站");
  const text = isLookAlike
    ? t("It is not printed as we print it. Enter nothing there, pay nothing, and report it: call 12315.", "其网址并非本站所印制。请勿打开、勿输入信息、勿付款，可拨打12315举报。")
    : t("It says nothing about this instrument. Look for the verification sticker.", "它不能说明该器具是否检定合格，请查找检定合格标志。");
  const own = t(`Our name is ${hosts.join(", ")}.`, `本站域名为${hosts.join("、")}。`);
  element("outcome").replaceChildren(
    h("section", { class: `verdict ${isLookAlike ? "tampered" : "unknown"}` }, h("h2", { role: "alert" }, title), h("p", {}, text), h("p", {}, t("It leads to ", "它指向："), h("b", {}, site)), h("p", {}, own)),
  );
  tell("");
};

/** Go where a text leads; returns whether it was one that this page understands. */
const follow = (text) => {
  const read = readScanned(text, hosts);
  if (read.kind === "nothing") return false;
  if (read.kind === "foreign") {
    warn(read);
    return true;
  }
  location.assign(find(read.kind === "own" ? read.path : `/scan?code=${encodeURIComponent(read.code)}`));
  return true;
};

const notOurs = () => tell(t("That is not a code of an instrument. Point at the verification sticker.", "这不是计量器具的二维码，请对准检定合格标志。"));

// --- camera ---------------------------------------------------------------------------------------------------

const explainCamera = (error) => {
  if (error instanceof ReaderFailed) {
    return t("This browser cannot read codes. Take a picture and send it, or type the code.", "此浏览器无法识别二维码。请拍照上传，或输入编码。");
  }
  const refused = error.name === "NotAllowedError";
  return refused
    ? t("The camera is not allowed here. Take a picture instead, or type the code.", "无法使用摄像头。请改为拍照上传，或输入编码。")
    : t("No camera can be used here. Take a picture instead, or type the code.", "此处没有可用的摄像头。请改为拍照上传，或输入编码。");
};

let watching = null;

/** Close the camera, and show what else there is to do; whatever it still waits for is not followed. */
const stopScanning = () => {
  watching?.close();
  watching = null;
  element("view").hidden = true;
  element("start").hidden = false;
};

const scan = async () => {
  const camera = new Camera(element("video"));
  watching = camera;
  element("start").hidden = true;
  element("view").hidden = false;
  try {
    const reading = findReader();
    reading.catch(() => undefined); // said below, where it is waited for
    await camera.open();
    if (watching !== camera) return;
    tell(t("Hold the code in front of the camera.", "请将二维码置于镜头前。"));
    const text = await camera.watch(await reading, (one) => readScanned(one, hosts).kind !== "nothing" || void notOurs());
    if (text !== null) follow(text);
  } catch (error) {
    if (watching === camera) tell(explainCamera(error));
  } finally {
    if (watching === camera) stopScanning();
  }
};

const listenToCamera = () => {
  element("start").hidden = false;
  element("start").addEventListener("click", scan);
  element("stop").addEventListener("click", stopScanning);
  addEventListener("pagehide", stopScanning);
};

// --- pictures and files ---------------------------------------------------------------------------------------

const drawPicture = async (file) => {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, BIGGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
};

/** Read a picture here; returns whether that led anywhere. */
const readPicture = async (file) => {
  try {
    const texts = await (await findReader())(await drawPicture(file));
    return texts.some(follow);
  } catch {
    return false;
  }
};

const send = (file) => {
  const list = new DataTransfer();
  list.items.add(file);
  element("file").files = list.files;
  element("upload").submit();
};

/** A picture is read on this device; what that cannot read, and any other file, goes to the server. */
const take = async (file) => {
  tell(t("Reading …", "正在读取……"));
  if (file.type.startsWith("image/") && (await readPicture(file))) return;
  send(file);
};

const listenToFiles = () => {
  element("upload").addEventListener("submit", (event) => {
    const [file] = element("file").files;
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
};

const listenToTyping = () => {
  element("typing").addEventListener("submit", (event) => {
    const read = readScanned(element("code").value, hosts);
    if (read.kind !== "foreign") return; // the server says what is wrong with a code, and what it leads to
    event.preventDefault();
    warn(read);
  });
};

// --- start ----------------------------------------------------------------------------------------------------

/** The addresses of sixteen symbols: of a document, or of a sticker, which nothing in them tells apart. */
const listAddresses = ({ code, under = "c" }) => [under, under === "c" ? "s" : "c"].map((kind) => `/${kind}/${encodeURIComponent(code)}`);

/** Where this page stands in for that of a code: what its address may be; none where it stands for itself. */
const findJudged = () => {
  const path = fromHost(location.pathname);
  if (CODE_PAGE.test(path)) return [path + location.search];
  const typed = new URLSearchParams(location.search).get("code");
  const isAnswered = element("code").value !== ""; // the server has said what is wrong with it
  if (typed === null || isAnswered) return [];
  const read = readScanned(typed, hosts);
  return read.kind === "own" ? [read.path] : listAddresses({ code: typed, ...read });
};

const judge = async () => {
  const addresses = findJudged();
  if (addresses.length === 0) return;
  const address = await chooseKept(addresses);
  element("outcome").replaceChildren(showVerdict(await judgeOffline(address)));
};

const showSeen = async () => {
  const count = await countSeen();
  element("seen").hidden = count === 0;
  element("seen-count").textContent = t(
    `Proofs of codes that this device has looked at and checked, for the time without network: ${count}. At most ${MOST}, for at most ${MOST_DAYS} days, on this device alone.`,
    `本机保存了查过并已自行核验的编码的证明，共${count}个，供断网时使用；最多${MOST}个、${MOST_DAYS}天，仅存于本机。`,
  );
};

const listenToClearing = () => {
  element("forget").addEventListener("click", async () => {
    await clearSeen();
    await showSeen();
    tell(t("Cleared from this device.", "已从本机清除。"));
  });
};

const start = async () => {
  await judge();
  if (hasCamera()) listenToCamera();
  listenToFiles();
  listenToTyping();
  listenToClearing();
  await showSeen();
  if ("serviceWorker" in navigator) {
    await navigator.serviceWorker.register(find("/worker.js"), { scope: SCOPE }).catch(() => undefined);
    await refresh();
  }
};

start();
