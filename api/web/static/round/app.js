// The page of a round: set up, unlock, take rounds along, write down, sign, and bring everything back once.
import { digest } from "./canonical.js";
import { makeKey, signClaim } from "./device.js";
import { showItem } from "./item_view.js";
import { OutOfReach, Refused, addDevice, askSession, fetchRound, listRounds, sendFindings } from "./office.js";
import { MIN_LETTERS, Vault, WrongPassphrase } from "./vault.js";
import { button, field, h, show } from "./views.js";
import { signForm } from "./work.js";
import { chooseLanguage, currentLanguage, nameKind, nameState, say, t } from "./words.js";

const IDLE_MS = 5 * 60 * 1000;
const AT_ONCE = 10;
const vault = new Vault();
let content = null;
let here = () => undefined;
let idle = 0;

const today = () => {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
};

// --- the frame ------------------------------------------------------------------------------------------

const tell = (text) => {
  document.getElementById("said").textContent = text;
};

const drawTop = () => {
  const other = currentLanguage() === "zh" ? "en" : "zh";
  const switchTo = () => {
    chooseLanguage(other);
    document.documentElement.lang = other;
    tell("");
    drawTop();
    here();
  };
  const online = navigator.onLine;
  document.documentElement.lang = currentLanguage();
  document.getElementById("top").replaceChildren(
    h("b", {}, t("On site", "现场检定")),
    h("span", { class: "tools" },
      h("span", { class: online ? "net" : "net off", id: "net" }, online ? t("online", "在线") : t("offline", "离线")),
      button(other === "en" ? "English" : "中文", switchTo, { lang: other }),
      content && button(t("Lock", "锁定"), lock)),
  );
  document.title = t("Hengzheng · on site", "衡证 · 现场检定");
};

/** Go to a view; it is drawn again when the language changes. */
const go = (view, ...values) => {
  here = () => view(...values);
  here();
};

const explain = (error) => {
  if (error instanceof OutOfReach) {
    return t("The office is out of reach. Everything stays on this device; try again later.", "无法连接办公系统。所有内容均保留在本机，请稍后再试。");
  }
  if (error instanceof Refused) return say(error.sentence);
  throw error;
};

/** Do something that needs the office; say what went wrong. */
const withOffice = async (act) => {
  tell(t("Asking the office …", "正在连接办公系统……"));
  try {
    tell((await act()) ?? "");
  } catch (error) {
    tell(explain(error));
  }
};

const keep = () => vault.save(content).catch(() => tell(t("This device could not store it: free some space.", "本机无法保存，请释放存储空间。")));

// --- lock and unlock ------------------------------------------------------------------------------------

const lock = () => {
  vault.lock();
  content = null;
  tell("");
  drawTop();
  go(showLocked);
};

const stir = () => {
  clearTimeout(idle);
  if (content) idle = setTimeout(() => { lock(); tell(t("Locked after five idle minutes.", "闲置五分钟，已锁定。")); }, IDLE_MS);
};

const opened = (found) => {
  content = found;
  tell("");
  drawTop();
  stir();
  go(showRounds);
};

const showLocked = () => {
  const unlock = async (event) => {
    event.preventDefault();
    const box = event.target.elements.passphrase;
    tell(t("Opening …", "正在开启……"));
    try {
      opened(await vault.unlock(box.value));
    } catch (error) {
      if (!(error instanceof WrongPassphrase)) throw error;
      box.value = "";
      tell(t("This passphrase does not open this device.", "口令错误，无法开启本机数据。"));
      box.focus();
    }
  };
  show(
    h("h1", {}, t("Locked", "已锁定")),
    h("form", { onsubmit: unlock },
      field(t("Passphrase of this device", "本机口令"), { id: "passphrase", name: "passphrase", type: "password", required: true }),
      h("p", { class: "actions" }, h("button", {}, t("Open", "开启")))),
    h("details", {}, h("summary", {}, t("The passphrase is lost", "忘记口令")),
      h("p", {}, t("Nobody can open what lies here without it. What was not sent to the office is lost with it.", "没有口令，任何人都无法开启本机数据；未同步的内容将随之丢失。")),
      h("form", { onsubmit: erase },
        field(t("To erase this device, write ERASE", "如需清除本机，请输入 ERASE"), { name: "word", pattern: "ERASE", required: true }),
        h("p", {}, h("button", { class: "danger" }, t("Erase this device", "清除本机"))))),
  );
};

const erase = async (event) => {
  event.preventDefault();
  await vault.erase();
  go(showSetUp);
};

const showSetUp = () => {
  const setUp = async (event) => {
    event.preventDefault();
    const { passphrase, again, label } = event.target.elements;
    if ([...passphrase.value].length < MIN_LETTERS || passphrase.value !== again.value) {
      tell(t(`The passphrase has at least ${MIN_LETTERS} characters, twice the same.`, `口令至少${MIN_LETTERS}个字符，且两次输入一致。`));
      return;
    }
    tell(t("Making a key …", "正在生成密钥……"));
    const { privateKey, publicHex } = await makeKey();
    const fresh = { v: 1, device: { label: label.value.trim(), publicHex }, rounds: [], work: {} };
    await vault.create(passphrase.value, privateKey, fresh);
    await navigator.storage?.persist?.();
    opened(fresh);
  };
  show(
    h("h1", {}, t("Set up this device", "设置本机")),
    h("p", {}, t("What you write down stays on this device, encrypted under a passphrase that only you know. The office cannot recover it.", "现场记录加密保存在本机，口令只有您知道，办公系统无法找回。")),
    h("form", { onsubmit: setUp },
      field(t("Name of this device", "本机名称"), { id: "label", name: "label", required: true, maxlength: 20 }),
      field(t("Passphrase", "口令"), { id: "passphrase", name: "passphrase", type: "password", required: true, autocomplete: "new-password" }, t("at least 10 characters", "至少10个字符")),
      field(t("The same again", "再次输入"), { id: "again", name: "again", type: "password", required: true, autocomplete: "new-password" }),
      h("p", { class: "actions" }, h("button", {}, t("Set up", "设置")))),
  );
};

// --- rounds ---------------------------------------------------------------------------------------------

const readRound = (kept) => JSON.parse(kept.text);
const workOf = (round, item) => (content.work[`${round.id}/${item.id}`] ??= {});

const stateOf = (work) => {
  const last = work?.sent?.at(-1);
  if (work?.dirty) return "begun";
  if (!last) return "untouched";
  return last.answer?.state ?? "signed";
};

const listUnsent = (id) =>
  Object.entries(content.work)
    .filter(([key]) => key.startsWith(`${id}/`))
    .flatMap(([, work]) => (work.sent ?? []).filter((one) => one.answer === null));

const showRounds = () => {
  const unsent = content.rounds.reduce((sum, kept) => sum + listUnsent(kept.id).length, 0);
  show(
    h("h1", {}, t("Rounds on this device", "本机任务单")),
    h("p", { id: "unsent" }, unsent ? t(`${unsent} findings are not in the office yet.`, `${unsent}条记录尚未同步。`) : t("Nothing waits to be sent.", "没有待同步的记录。")),
    h("p", { class: "actions" },
      button(t("Bring back to the office", "同步到办公系统"), () => withOffice(sync)),
      button(t("Take a round along", "下载任务单"), () => withOffice(offer), { class: "second" })),
    content.rounds.map((kept) => {
      const round = readRound(kept);
      const done = round.items.filter((item) => !["untouched", "begun"].includes(stateOf(content.work[`${round.id}/${item.id}`]))).length;
      return h("button", { type: "button", class: "card wait", onclick: () => go(showRound, round.id) },
        h("b", {}, round.title), `${round.day} · ${nameKind(round.kind)} · ${done}/${round.items.length}`);
    }),
    content.rounds.length ? null : h("p", {}, t("None so far.", "尚未下载。")),
  );
};

/** Register the device of whoever is logged in, if that was not done; return the session. */
const join = async () => {
  const session = await askSession();
  const { device } = content;
  if (device.id && (device.person !== session.person || device.institution !== session.institution)) {
    throw new Refused(409, { en: `This device is ${device.person}'s.`, zh: `本机属于${device.person}。` });
  }
  if (!device.id) {
    const claim = { ...device, person: session.person, institution: session.institution };
    const signature = await signClaim(await vault.privateKey(), claim);
    const answer = await addDevice(session.form_token, { label: device.label, key: device.publicHex, signature });
    content.device = { ...claim, id: answer.device };
    await vault.save(content);
  }
  return session;
};

const offer = async () => {
  await join();
  const rounds = await listRounds();
  const have = new Set(content.rounds.map((kept) => kept.id));
  const take = (id) => () => withOffice(async () => {
    const bytes = await fetchRound(id);
    content.rounds.unshift({ id, text: new TextDecoder().decode(bytes), digest: await digest(bytes) });
    await vault.save(content);
    go(showRound, id);
    return t("The round is on this device. It works without network now.", "任务单已下载，可离线使用。");
  });
  go(() => show(
    h("p", {}, button(`← ${t("Rounds", "任务单")}`, () => go(showRounds), { class: "second" })),
    h("h1", {}, t("Rounds of the office", "办公系统中的任务单")),
    rounds.filter((one) => !have.has(one.id)).map((one) =>
      h("button", { type: "button", class: "card", onclick: take(one.id) }, h("b", {}, one.title), `${one.day} · ${t(`${one.items} instruments`, `${one.items}台`)}`)),
    rounds.every((one) => have.has(one.id)) ? h("p", {}, t("There is no other one.", "没有其他任务单。")) : null,
  ));
};

const TONES = { drafted: "good", signed: "wait", held: "wait", begun: "wait", refused: "bad" };

const showRound = (id) => {
  const kept = content.rounds.find((one) => one.id === id);
  const round = readRound(kept);
  show(
    h("p", {}, button(`← ${t("Rounds", "任务单")}`, () => go(showRounds), { class: "second" })),
    h("h1", {}, round.title),
    h("p", {}, `${round.day} · ${nameKind(round.kind)}`),
    h("p", { class: "actions" }, button(t("Bring back to the office", "同步到办公系统"), () => withOffice(sync))),
    round.items.map((item) => {
      const work = content.work[`${id}/${item.id}`];
      const state = stateOf(work);
      const conflict = work?.sent?.at(-1)?.answer?.conflict;
      return h("button", { type: "button", class: `card ${TONES[state] ?? ""}`, onclick: () => go(openItem, id, item.id) },
        h("b", {}, `${item.id}. ${item.instrument.name} ${item.instrument.serial}`),
        `${item.instrument.model ?? ""} · ${nameState(state)}`,
        conflict ? h("span", { class: "doubt" }, ` · ${t("another device has one too", "另一设备也有记录")}`) : null);
    }),
    isSettled(round) ? h("p", { class: "actions" }, button(t("Remove from this device", "从本机移除"), () => removeRound(id), { class: "danger" })) : null,
  );
};

/** Tell whether nothing of a round would be lost with this device's copy: all that was written is in the office. */
const isSettled = (round) =>
  round.items.every((item) => ["untouched", "drafted", "held", "replaced"].includes(stateOf(content.work[`${round.id}/${item.id}`])));

/** Take a round off this device, once the office has answered everything of it. */
const removeRound = async (id) => {
  content.rounds = content.rounds.filter((one) => one.id !== id);
  content.work = Object.fromEntries(Object.entries(content.work).filter(([key]) => !key.startsWith(`${id}/`)));
  await vault.save(content);
  go(showRounds);
};

const openItem = (id, itemId) => {
  const kept = content.rounds.find((one) => one.id === id);
  const round = readRound(kept);
  const item = round.items.find((one) => one.id === itemId);
  const work = workOf(round, item);
  const sign = async () => {
    const signed = await signForm(round, item, work.form, {
      deviceId: content.device.id,
      revision: (work.sent?.at(-1)?.revision ?? 0) + 1,
      privateKey: await vault.privateKey(),
      roundDigest: kept.digest,
      now: new Date(),
    });
    work.sent = [...(work.sent ?? []), signed];
    work.dirty = false;
    await vault.save(content);
    tell(t("Signed and kept on this device.", "已签名并保存在本机。"));
    go(showRound, id);
  };
  showItem(round, item, work, { keep, sign, back: () => go(showRound, id), today: today() });
};

// --- back to the office -----------------------------------------------------------------------------------

const note = (id, results) => {
  const answers = new Map(results.map((one) => [one.digest, one]));
  for (const one of listUnsent(id)) {
    if (answers.has(one.digest)) one.answer = answers.get(one.digest);
  }
};

/** Send what the office has not answered yet; an answer that was lost is asked for again. */
const sync = async () => {
  const session = await join();
  const became = { taken: 0, held: 0, refused: 0 };
  for (const kept of content.rounds) {
    const unsent = listUnsent(kept.id);
    for (let start = 0; start < unsent.length; start += AT_ONCE) {
      const findings = unsent.slice(start, start + AT_ONCE).map(({ finding, signature }) => ({ finding, signature }));
      const sentAt = `${new Date().toISOString().slice(0, 19)}Z`;
      const answer = await sendFindings(session.form_token, kept.id, { sent_at: sentAt, findings });
      note(kept.id, answer.findings);
      await vault.save(content);
      for (const { state } of answer.findings) became[state in became ? state : "taken"] += 1;
    }
  }
  here();
  const sentences = [
    became.taken && t(`${became.taken} findings are in the office.`, `${became.taken}条记录已同步。`),
    became.held && t(`${became.held} wait in the office with reasons.`, `${became.held}条已同步，待处理。`),
    became.refused && t(`${became.refused} were refused and stay on this device.`, `${became.refused}条被拒收，保留在本机。`),
  ].filter(Boolean);
  return sentences.length ? sentences.join(t(" ", "")) : t("Nothing was waiting.", "没有待同步的记录。");
};

// --- start ----------------------------------------------------------------------------------------------

const installWorker = async () => {
  if (!("serviceWorker" in navigator)) return;
  const address = "/round/worker.js";
  const policy = window.trustedTypes?.createPolicy("hengzheng-round", {
    createScriptURL: (text) => {
      if (text !== address) throw new TypeError("no such script");
      return text;
    },
  });
  await navigator.serviceWorker.register(policy ? policy.createScriptURL(address) : address, { scope: "/round/" });
};

const start = async () => {
  drawTop();
  installWorker().catch(() => undefined); // without it the page works while there is a network
  if (!window.isSecureContext || !crypto.subtle) {
    tell(t("This browser cannot keep secrets here: open the page over https.", "当前浏览器环境不安全，请使用 https 打开。"));
    return;
  }
  await vault.open();
  go((await vault.isSetUp()) ? showLocked : showSetUp);
  for (const event of ["pointerdown", "keydown", "input"]) document.addEventListener(event, stir, { passive: true });
  for (const event of ["online", "offline"]) window.addEventListener(event, drawTop);
};

/** One window at a time: two would overwrite each other's memory. */
const alone = async () => {
  drawTop();
  const busy = () => {
    tell(t("This page is open in another window already.", "本页面已在另一窗口打开。"));
  };
  await navigator.locks.request("hengzheng-round", { ifAvailable: true }, async (held) => {
    if (!held) return busy();
    await start();
    return new Promise(() => undefined);
  });
};

alone();
