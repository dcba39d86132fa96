// Lets this device look at the chain itself, through a node that its user has typed in.
//
// Nothing is asked before somebody has pressed a button: an address that was made elsewhere shows which node it names,
// and waits. The page may only speak to the origin in its content policy, so that the one typed in is sent to this
// site, without the rest of the address; the whole of it stays on the device.
import { ClockError, fetchText, recall, recallPins, remember, say, WRONG_CLOCK } from "./check.js";

const REMEMBERED = "hengzheng/node/v1";
const CHOSEN = "hengzheng/node-chosen";
const CHAIN_STEP = 16;
const OUT_OF_REACH = "the node is out of reach";

const element = (id) => document.getElementById(id);
const t = (en, zh) => say({ en, zh });
const place = element("look");

const tell = (text) => {
  element("said").textContent = text;
};

/** An element with a class and text or children: whatever comes from outside becomes text. */
const make = (name, style, ...children) => {
  const made = document.createElement(name);
  if (style) made.className = style;
  made.append(...children);
  return made;
};

// --- the choice -------------------------------------------------------------------------------------------------

const forget = (store, name) => {
  try {
    globalThis[store].removeItem(name);
  } catch {
    // nothing was kept there
  }
};

/** The address that was typed, or what is wrong with it: {url} or {fault}. What may be asked is decided by the server. */
const readAddress = (text) => {
  let url;
  try {
    url = new URL(text.trim());
  } catch {
    return { fault: t("That is no address: it begins with https://", "地址有误，应以https://开头。") };
  }
  if (url.username || url.password) {
    return { fault: t("The address must not hold a user name or a password.", "地址中不得含有用户名或密码。") };
  }
  url.hash = "";
  return { url };
};

const choose = (event) => {
  event.preventDefault();
  const { url, fault } = readAddress(element("node").value);
  if (fault) return tell(fault);
  if (element("remember").checked) remember("localStorage", REMEMBERED, url.href);
  else forget("localStorage", REMEMBERED);
  remember("sessionStorage", CHOSEN, { code: place.dataset.code, href: url.href, isPressed: true });
  const next = new URL(location.href);
  next.searchParams.set("node", url.origin);
  return location.assign(next.href);
};

/** What was chosen in this tab for the node that the page names: {href, isPressed}; a press counts once. */
const takeChoice = (origin) => {
  const chosen = recall("sessionStorage", CHOSEN);
  const isThis = typeof chosen?.href === "string" && chosen.code === place.dataset.code && new URL(chosen.href).origin === origin;
  if (!isThis) return { href: `${origin}/`, isPressed: false };
  remember("sessionStorage", CHOSEN, { ...chosen, isPressed: false });
  return chosen;
};

// --- the look ---------------------------------------------------------------------------------------------------

const fetchGiven = async () => {
  const record = `c/${place.dataset.code}`;
  const [bundleText, newestText, policyText, rules] = await Promise.all([
    fetchText(`${record}/bundle.json`),
    fetchText(`${record}/newest.json`, true),
    fetchText("policy.json", false, true),
    fetchText("rules.json"),
  ]);
  const given = { bundleText, policyText, ruleBook: JSON.parse(rules) };
  return newestText === null ? given : { ...given, newestText };
};

const checkThrough = async (url) => {
  const { verifier, code } = place.dataset;
  const [device, given] = await Promise.all([import(new URL(verifier, document.baseURI).href), fetchGiven()]);
  const node = { url, send: (...asked) => fetch(...asked) };
  return device.checkOnDevice({ ...given, node, expected: { code }, remembered: recallPins(), now: Date.now() });
};

const showOutcome = (...children) => {
  element("outcome").replaceChildren(...children);
  tell("");
};

const findTemplate = (shown) => document.querySelector(`template[data-shown="${shown}"]`).content;

/** The box of a verdict, as the server words it; with other words if they are given. */
const copyBox = (shown, headline, ...sentences) => {
  const box = findTemplate(shown).firstElementChild.cloneNode(true);
  if (headline === undefined) return box;
  box.querySelector("h2").textContent = headline;
  box.querySelector("p").remove();
  box.append(...sentences.filter(Boolean).map((text) => make("p", "", text)));
  return box;
};

/** The box of a verdict, and what a good one does not say. */
const copyAll = (shown) => [...findTemplate(shown).cloneNode(true).children];

const nameVerdict = (shown) => copyBox(shown).querySelector("h2").textContent;

const sayUnable = (reason) =>
  showOutcome(copyBox("CANNOT_CHECK", t("This device cannot check now", "本机暂时无法核对"), reason, t("This does not mean that the record is wrong.", "这不表示该记录有误。")));

/** Why a page cannot tell more: browsers hide which of the two it is. */
const explain = (chain) =>
  chain.reason.en === OUT_OF_REACH ? t("It is not running, or does not let pages ask it (CORS).", "该节点未运行，或不允许网页访问（CORS）。") : null;

const describe = (chain, { shown, report }) => {
  const failed = report.checks.find((check) => check.outcome === "FAILED");
  if (chain.outcome === "FAILED") {
    const doubt = t("Make sure that the node serves the chain of this register. If it does, do not rely on the record.", "请先确认该节点属于本账本所用的链；如确属该链，请勿依据该记录。");
    return [copyBox("TAMPERED", t("What the node shows does not agree", "节点所示与证明不一致"), say(chain.reason), doubt)];
  }
  if (failed) return [copyBox("TAMPERED"), make("p", "note", say(failed.reason))];
  if (chain.outcome === "PASSED") {
    const [box, ...limits] = copyAll(shown);
    return [box, make("p", "chain", `${t("On the chain: ", "链上核对：")}${say(chain.reason)}`), ...limits];
  }
  const alone = `${t("Without the chain, this device finds: ", "不查链时，本机的核验结论：")}${nameVerdict(shown)}`;
  const calm = t("This does not mean that the record is wrong.", "这不表示该记录有误。");
  return [copyBox("CANNOT_CHECK", t("Not seen on the chain", "未能在链上核对"), say(chain.reason), explain(chain), calm), make("p", "note", alone)];
};

const sayDate = (days) => (days === null ? null : new Date(days * 86_400_000).toISOString().slice(0, 10));

const listFacts = (document) => {
  const facts = [
    [t("Institution", "检定机构"), document.institution],
    [t("Maker", "制造单位"), document.maker],
    [t("Model", "型号"), document.model],
    [t("Serial number", "出厂编号"), document.serial],
    [t("Number", "证书编号"), document.number],
    [t("Valid until", "有效期至"), sayDate(document.validUntil)],
  ];
  const rows = facts.filter(([, value]) => value !== null).map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value)));
  return make("dl", "", ...rows);
};

const listSteps = (checks) => {
  const words = { PASSED: t("passed", "通过"), FAILED: t("failed", "不通过"), NOT_CHECKED: t("not checked", "未核验") };
  const lines = checks.map(({ step, outcome, reason }) => {
    const line = make("li", outcome, make("b", "", words[outcome]), ` ${say(step.title)}${t(": ", "：")}${say(reason)}`);
    line.value = step.number;
    return line;
  });
  return make("details", "", make("summary", "", t("All steps", "全部步骤")), make("ol", "", ...lines));
};

const showFound = (outcome) => {
  const { report, reason, checkedByDevice } = outcome;
  if (!checkedByDevice || report === null) return sayUnable(say(reason));
  const chain = report.checks.find((check) => check.step.number === CHAIN_STEP);
  const by = t(`Found by this device itself, at ${place.dataset.node}.`, `以上为本机自行核验的结论，所询问的节点：${place.dataset.node}。`);
  const facts = report.document === null ? [] : [listFacts(report.document)];
  return showOutcome(...describe(chain, outcome), make("p", "", reason ? `${by} ${say(reason)}` : by), ...facts, listSteps(report.checks));
};

const run = async (href) => {
  element("ask").hidden = true;
  tell(t("This device is asking the node …", "本机正在向节点查询……"));
  try {
    showFound(await checkThrough(href));
  } catch (error) {
    sayUnable(error instanceof ClockError ? say(WRONG_CLOCK) : t("The proof could not be fetched from this site.", "未能从本站取得证明文件。"));
  }
};

// --- start ------------------------------------------------------------------------------------------------------

const start = () => {
  const { node, verifier } = place.dataset;
  if (!verifier) return;
  const kept = recall("localStorage", REMEMBERED);
  if (typeof kept === "string") element("node").value = kept;
  element("remember").checked = typeof kept === "string";
  element("choose").hidden = false;
  element("choose").addEventListener("submit", choose);
  if (!node) return;
  const { href, isPressed } = takeChoice(node);
  element("node").value = href;
  if (isPressed) {
    run(href);
    return;
  }
  tell(t(`The address of this page names the node ${node}. Nothing has been asked yet.`, `本页地址指定了节点 ${node}，尚未向其查询。`));
  element("ask").hidden = false;
  element("ask").addEventListener("click", () => run(href));
};

start();
