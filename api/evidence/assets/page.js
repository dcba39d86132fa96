// The page of an evidence pack: checks the proofs that stand in it by the verifier above, once as of the time at which
// they themselves name and once as of this device's clock; compares files that are dropped on it. It fetches nothing.
// Who made the pack wrote the data: they are checked, compared, or said to be somebody's word. What a verdict looks like,
// and every word for it, stands in `WORDS` and `LOOKS` above, in the script that has a published digest.
let data = null;
let policy = null;

signature_.curves.load = async (name) => {
  const make = noble_[`${name}.js`];
  if (!make) throw new Error("this pack was made without that part of the verifier");
  return make();
};

/** What has been found out; filled once, shown in either language. */
const found = { at: null, then: null, now: null, events: [], dropped: [] };

/** Let the verifier judge: these proofs, at this time, as the document of this code (null: whichever it is). */
const judge = (bundleText, newestText, now, code) =>
  device_.checkOnDevice({ expected: code === null ? null : { code }, bundleText, newestText, policyText: data.policy, ruleBook: data.rules, now });

const isAuthentic = ({ report, shown }) => report !== null && report.authentic && shown !== "TAMPERED" && shown !== "CANNOT_CHECK";

/** SHA-256 of the policy in its canonical form: what an authority publishes. */
const digestPolicy = () => encoding_.encodeHex(sha256_.sha256(canonical_.encodeCanonicalJson(policy)));

/** Where newer states are looked up: a name that the policy has, for its digest is compared. */
const nameHost = () => (policy.hosts.includes(data.host) ? data.host : policy.hosts[0]);

// --- as of when, and what the log has -----------------------------------------------------------------------

/** Later than whatever a witness may state. */
const AFTER_ALL = Date.UTC(9000, 0, 1);

/** What is believed, to open proofs with; null where this device cannot. */
async function openSession() {
  try {
    return await believed_.openSession(believed_.openPolicy(data.policy)[0], data.rules, null);
  } catch {
    return null;
  }
}

/** The times that log, chain and witnesses have put on a proof, as api/evidence/judging.py lists them. */
async function listTimes(text, session) {
  const bundle = bundle_.parseBundle(encoding_.encodeUtf8(text));
  const times = [bundle.header.sequencedAtMs];
  try {
    if (bundle.receipt !== null) {
      await session.verifyReceipt(bundle.receipt);
      times.push(bundle.receipt.anchoredAt);
    }
    const checkpoint = await session.openCheckpoint(bundle.checkpoint);
    times.push((await session.openEvidence(bundle, checkpoint))[1].statedAt);
  } catch {
    return times; // what does not hold is red by its own step
  }
  const { asOf } = await witnessing_.judgeWitnesses(session, bundle.checkpoint, AFTER_ALL);
  return asOf === null ? times : [...times, asOf];
}

/** As of when the pack is judged: the newest of those times, whatever who packed it says; null: none can be read. */
async function findTime(session) {
  const texts = [data.bundle, data.newest].filter((text) => text !== null);
  const lists = await Promise.all(texts.map((text) => listTimes(text, session).catch(() => [])));
  return lists.flat().reduce((one, other) => Math.max(one, other), -Infinity);
}

/** What the leaf of an event itself says, if that is in the log under this signed state; null: nothing is proved. */
function readEvent(event, state) {
  try {
    const leaf = encoding_.parseBase64(event.leaf);
    const { header, statementRaw } = entry_.parseLeaf(leaf);
    const path = event.inclusion.map((each) => encoding_.parseBase64(each));
    merkle_.verifyInclusion(merkle_.hashLeaf(leaf), event.leaf_index, state.treeSize, path, state.rootHash);
    const isSame = event_.EventType[event.type] === header.type && Date.parse(event.sequenced_at) === header.sequencedAtMs;
    return isSame ? { header, statementRaw, statement: statement_.parseSignedStatement(statementRaw).statement } : null;
  } catch {
    return null;
  }
}

/** Per event, what the log has of it; nothing is said where the state of the log itself is not good. */
async function readEvents(session) {
  if (data.events === null || !isAuthentic(found.then)) return [];
  const { checkpoint } = JSON.parse(data.newest ?? data.bundle);
  const [state] = await session_.attempt(() => session.openCheckpoint(checkpoint));
  return state === null ? [] : data.events.map((event) => readEvent(event, state));
}

// --- what is shown ------------------------------------------------------------------------------------------

const differs = () => found.then.checkedByDevice && found.then.shown !== data.shown;

/** One verdict: icon, word, sentence, and what is to be added. */
function showVerdict(shown, heading, isSmall, ...more) {
  const look = LOOKS[shown];
  const lines = [say(look.sentence), ...more].filter(Boolean).map((text) => h("p", {}, text));
  const title = h(heading, { role: "status" }, say(look.headline));
  return h("section", { class: `verdict ${look.style}${isSmall ? " small" : ""}` }, drawIcon(shown), title, ...lines);
}

function showThen() {
  const { report, shown, reason, checkedByDevice } = found.then;
  const line = checkedByDevice
    ? h("p", { class: "checker done", id: "checker" }, t("Checked by this device itself, without network", "本机已离线自行核验"))
    : h("p", { class: "checker", id: "checker" }, t("This device cannot check: ", "本机不能自检："), say(reason));
  const at = found.at === null ? null : sayInstant(found.at, policy.zone);
  const asOf = at === null ? null : t(`State as of ${at}, the newest state of the ledger in this pack. What came later is only to be found online.`, `以上为截至${at}的状态（本包所载最新账本状态）；此后的变化只能联网查询。`);
  const isDated = isAuthentic(found.then) && report.document.validUntil !== null && WORDS.dated.includes(shown);
  const until = isDated ? `${t("Valid until", "有效期至")} ${encoding_.encodeDate(report.document.validUntil)}` : "";
  const failures = (report?.checks ?? []).filter((check) => check.outcome === "FAILED").map((check) => `${say(check.step.title)}${t(": ", "：")}${say(check.reason)}`);
  const by = isAuthentic(found.then) ? report.document.institution : "";
  return [
    line,
    differs() && data.shown !== "TAMPERED" ? h("p", { class: "checker bad", id: "differs" }, t("What this device found differs from what the pack says of itself: do not rely on this pack.", "本机核验结果与存证包所述不一致，请勿依据本存证包。")) : null,
    showVerdict(checkedByDevice ? shown : "CANNOT_CHECK", "h1", false, until, by, ...new Set([say(reason), ...failures]), asOf),
  ];
}

function showNow() {
  const { now } = found;
  if (now === null) {
    return [h("p", { class: "note", id: "now" }, t("The clock of this device is before the time of the pack: nothing is said of today.", "本机时间早于装包时间，未按今天的日期判断。"))];
  }
  if (!found.then.checkedByDevice || found.then.shown === "TAMPERED") return [];
  const where = `https://${nameHost()}/c/${data.code}`;
  if (now.shown === found.then.shown) {
    return [h("p", { class: "note", id: "now" }, t(`By today's date this is still so. Whether anything has changed since: ${where}`, `按今天的日期，结论不变。此后是否有变化，请联网查询：${where}`))];
  }
  const heading = h("h2", {}, t("By today's date", "按今天的日期"));
  return [heading, h("div", { id: "now" }, showVerdict(now.shown, "h3", true, t(`Newer state: ${where}`, `最新状态请查询：${where}`)))];
}

function showDocument() {
  if (!isAuthentic(found.then)) return [];
  const members = report_.reportMembers(found.then.report);
  const code = [t("Code", "查询码"), data.code.match(/.{4}/g).join("-")];
  const pairs = FIELDS.filter(([name]) => members.document[name] !== undefined).map(([name, en, zh]) => [t(en, zh), members.document[name]]);
  const record = JSON.parse(data.bundle).certificate.credentialSubject;
  return [
    h("h2", {}, t("Compare with the nameplate", "请与器具铭牌核对")),
    rows([...pairs, code], "plate"),
    WORDS.relied_on.includes(found.then.shown) ? h("p", { class: "note" }, say(WORDS.disclaimer)) : null,
    fold(t("The record itself, as it was signed", "记录原文（签名时的内容）"), rows([...listMembers(record, "")], "record")),
  ];
}

/** Every member of a record with its path; what is only committed to is said so. */
function* listMembers(value, path) {
  if (value !== null && typeof value === "object") {
    if (Object.keys(value).join() === "sd") return yield [path, t("personal, not public", "个人信息，不公开")];
    for (const [name, each] of Object.entries(value)) yield* listMembers(each, path ? `${path}.${name}` : name);
    return undefined;
  }
  return yield [path, String(value)];
}

function showSteps() {
  const { report } = found.then;
  if (report === null) return [];
  const hides = !isAuthentic(found.then);
  const item = (check) => {
    const outcome = check.warning ? OUTCOMES.REMARK : OUTCOMES[check.outcome];
    const reason = hides && check.outcome !== "FAILED" ? "" : say(check.reason);
    const text = `${check.step.number}. ${say(check.step.title)}${reason ? t(": ", "：") : ""}${reason}`;
    return h("li", { class: check.outcome, "data-step": check.step.code }, h("b", {}, say(outcome)), ` ${text}`);
  };
  const count = (outcome) => report.checks.filter((check) => check.outcome === outcome).length;
  const summary = t(
    `${count("PASSED")} of ${report.checks.length} steps passed, ${count("FAILED")} failed, ${count("NOT_CHECKED")} were not checked.`,
    `共${report.checks.length}步：通过${count("PASSED")}步，未通过${count("FAILED")}步，未做${count("NOT_CHECKED")}步。`,
  );
  return [h("h2", {}, t("How this was checked", "怎么核验的")), h("p", { id: "summary" }, summary), fold(t("All steps", "全部步骤"), h("ol", { class: "steps" }, ...report.checks.map(item)))];
}

/** What an event is called, by its own statement. */
function nameEvent({ type, claims }) {
  if (claims instanceof statement_.IssueClaims) {
    const isPassed = !claims.isVerification || claims.conclusion !== statement_.Conclusion.FAIL;
    return say(type === event_.EventType.REPLACE ? WORDS.replaced : WORDS.issued[`${claims.kind} ${isPassed}`]);
  }
  const name = Object.keys(event_.EventType).find((each) => event_.EventType[each] === type);
  return say(WORDS.events[name] ?? { en: name, zh: name });
}

/** What stands behind a proved event: in the log, with what effect, and whether its leaf names this instrument. */
function markEvent({ header }, own) {
  if (header.status === status_.Status.VOID) return h("span", { class: "changed" }, t("in the ledger, WITHOUT EFFECT", "账本中有此条，但无效力"));
  const isOfThis = encoding_.equalBytes(header.subject, own.header.subject);
  const elsewhere = isOfThis ? "" : t("; that it concerns this instrument is the word of who packed", "；是否涉及本器具以装包者所述为准");
  return h("span", { class: "same" }, `${t("in the ledger", "账本中有此条")}${elsewhere}`);
}

/** An event by its leaf; beside it, and apart, what who packed it adds. */
function showProved(event, proved, own) {
  const { header, statement, statementRaw } = proved;
  const [words, name] = [event[t("en", "zh")], nameEvent(statement)];
  const speaker = statement.issuer === own.certificate.record.issuer.id ? found.then.report.document.institution : statement.issuer;
  const number = statement.claims.number ?? "";
  const isOwn = encoding_.equalBytes(statementRaw, own.statementRaw);
  const more = [words.words === name ? "" : words.words, words.notes, words.speaker].filter(Boolean).join(" · ");
  const added = more ? h("div", { class: "added" }, t("In the words of who packed it, not checked: ", "装包者的说明，未经核验："), more) : null;
  return h("li", {}, h("span", { class: "day" }, sayDay(header.sequencedAtMs, policy.zone)), " ", h("b", {}, name), isOwn ? t(" (this document)", "（本文件）") : "", h("br", {}), [number, speaker].filter(Boolean).join(" · "), " ", markEvent(proved, own), added);
}

/** An event of which nothing is proved: all of it is the word of who packed it. */
function showClaimed(event, mark) {
  const words = event[t("en", "zh")];
  const claim = [words.day, words.words, words.notes, words.speaker].filter(Boolean).join(" · ");
  return h("li", {}, t("In the words of who packed it, not checked: ", "装包者的说明，未经核验："), claim, " ", mark);
}

function showEvents() {
  if (data.events === null || !isAuthentic(found.then)) return [];
  const own = bundle_.parseBundle(encoding_.encodeUtf8(data.bundle));
  const item = (event, at) => {
    const proved = found.events[at];
    if (proved) return showProved(event, proved, own);
    const mark = h("span", { class: "changed" }, t("NOT proved to be in the ledger", "未能证明账本中有此条"));
    return showClaimed(event, proved === undefined ? null : mark);
  };
  const cut = data.is_cut ? h("p", {}, t("Older events are in the ledger and are not listed here.", "更早的记录在账本中，此处未列出。")) : null;
  const whole = h("p", {}, t("That these are all is the word of who packed them.", "记录是否齐全，以装包者所述为准。"));
  return [fold(`${t("History of this instrument", "本器具的历史记录")} (${data.events.length}${data.is_cut ? "+" : ""})`, cut, whole, h("ol", { class: "events" }, ...data.events.map(item)))];
}

function showTrust() {
  return [
    h("h2", {}, t("What this rests on", "核验的依据")),
    h("p", {}, t(
      "The trust anchors came with the pack: compare this digest with the one that the authority has published. Who changed the whole pack could have changed this page too; the command hengzheng verify, from elsewhere, does not need it.",
      "信任依据随本存证包一同提供：请将下列摘要与主管部门公布的摘要核对。能篡改整个存证包的人也能篡改本页；从其他途径取得的 hengzheng verify 命令不依赖本页。",
    )),
    rows([[t("Ledger", "账本"), policy.origin], [t("Policy, version", "策略版本"), String(policy.version)], [t("Policy, SHA-256", "策略摘要（SHA-256）"), digestPolicy()]], "hash"),
  ];
}

// --- files that are dropped on the page ---------------------------------------------------------------------

/** What there is to say of one file: {name, good, text: {en, zh}}. */
async function look(file) {
  const raw = new Uint8Array(await file.arrayBuffer());
  const digest = encoding_.encodeHex(sha256_.sha256(raw));
  const same = data.files.find((each) => each.sha256 === digest);
  const named = data.files.find((each) => each.name === file.name);
  if (same) return { name: file.name, good: true, text: joinTexts({ en: "unchanged", zh: "未改动" }, WORDS.files[same.name]) };
  const judged = await lookInside(raw);
  if (named) {
    const text = { en: `CHANGED: not the file ${named.name} that this pack was made with`, zh: `已改动：与装包时的 ${named.name} 不一致` };
    return { name: file.name, good: false, text: joinTexts(text, judged?.text) };
  }
  return judged ? { name: file.name, ...judged } : { name: file.name, good: null, text: { en: "not a file of this pack", zh: "不是本存证包中的文件" } };
}

const joinTexts = (one, other) => (other ? { en: `${one.en}; ${other.en}`, zh: `${one.zh}；${other.zh}` } : one);

/** What a proof or a record says of itself; null: it is neither. */
async function lookInside(raw) {
  let text, value;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (value?.credentialSubject !== undefined) {
    return { good: false, text: { en: "a record that is not the one of this pack", zh: "记录内容与本存证包中的记录不一致" } };
  }
  if (value?.type !== "hengzheng/bundle/v1") return null;
  const outcome = await judge(text, null, Date.now(), null);
  const word = LOOKS[outcome.shown].headline;
  const own = await judge(text, null, Date.now(), data.code);
  const isOther = own.shown === "TAMPERED" && outcome.shown !== "TAMPERED";
  const whose = isOther ? { en: "a proof of ANOTHER document", zh: "另一份证书的证明文件" } : { en: "a proof", zh: "证明文件" };
  const good = isOther || outcome.shown === "TAMPERED" || !outcome.checkedByDevice ? false : null;
  const reason = outcome.reason ?? { en: "", zh: "" };
  return { good, text: joinTexts(joinTexts(whose, word), reason.en ? reason : null) };
}

async function take(files) {
  const chosen = [...files];
  found.dropped = await Promise.all(chosen.map(look));
  render();
  document.getElementById("dropped").focus();
}

function showFiles() {
  const picker = h("input", { type: "file", multiple: "", id: "picker" });
  picker.addEventListener("change", () => take(picker.files));
  const words = t("Choose files, or drop them on this page (all files of the folder at once):", "选择文件，或拖到本页上（可一次选中文件夹中的全部文件）：");
  const item = ({ name, good, text }) => h("li", { class: good === true ? "same" : good === false ? "changed" : "" }, `${name}${t(": ", "：")}${say(text)}`);
  return [
    h("h2", {}, t("Files of this pack", "存证包中的文件")),
    h("p", {}, t("A browser lets no page read the files beside it. To see whether they are as they were packed, or to check another proof:", "浏览器不允许网页自行读取旁边的文件。要核对它们是否被改动，或核验其他证明文件：")),
    h("div", { class: "drop", id: "drop" }, h("label", { for: "picker" }, words), picker, h("ul", { id: "dropped", tabindex: "-1", "aria-live": "polite" }, ...found.dropped.map(item))),
    fold(t("What each file is", "各文件说明"), rows(data.files.map((each) => [each.name, say(WORDS.files[each.name])]))),
  ];
}

function acceptDrops() {
  const mark = (isOver) => document.getElementById("drop")?.classList.toggle("over", isOver);
  addEventListener("dragover", (event) => { event.preventDefault(); mark(true); });
  addEventListener("dragleave", () => mark(false));
  addEventListener("drop", (event) => { event.preventDefault(); mark(false); take(event.dataTransfer.files); });
}

// --- the page -----------------------------------------------------------------------------------------------

const digestStyle = (element) => encoding_.encodeHex(sha256_.sha256(encoding_.encodeUtf8(element.textContent)));

/** Leave on the page only what this script puts there, under its own style: the rest is the work of who packed it. */
function claimPage() {
  const styles = [...document.querySelectorAll("style, link[rel~=stylesheet]")];
  for (const each of styles.filter((one) => digestStyle(one) !== WORDS.style)) each.remove();
  for (const each of [document.documentElement, document.body]) {
    for (const name of each.getAttributeNames()) each.removeAttribute(name);
  }
  document.documentElement.lang = language;
  const code = String(data?.code).match(/.{1,4}/gs)?.join("-") ?? "";
  document.title = `${code} · 存证包核验 Evidence pack`;
  const english = (text) => h("span", { lang: "en" }, text);
  const banner = h("p", { class: "banner" }, h("span", {}, "开发环境，不得用于实际业务"), " ", english("Development environment, not for real use"));
  const header = h("header", {}, h("b", { id: "title" }), h("button", { id: "language", type: "button" }));
  const footer = h("footer", {}, h("p", {}, h("span", {}, "查询码"), " ", english("Code"), ": ", h("b", {}, code)));
  document.body.replaceChildren(...(policy?.development ? [banner] : []), header, h("main", { id: "main" }), footer);
}

function render() {
  document.documentElement.lang = language;
  document.getElementById("title").textContent = t("Evidence pack, checked offline", "衡证 · 存证包离线核验");
  const button = document.getElementById("language");
  button.textContent = t("中文", "English");
  button.lang = t("zh-CN", "en");
  const parts = [showThen, showNow, showDocument, showSteps, showEvents, showFiles, showTrust].flatMap((show) => show());
  document.getElementById("main").replaceChildren(...parts.filter(Boolean));
  document.getElementById("main").dataset.shown = found.then.shown;
}

async function start() {
  data = JSON.parse(document.getElementById("data").textContent);
  policy = canonical_.parseJson(encoding_.encodeUtf8(data.policy));
  const [now, session] = [Date.now(), await openSession()];
  const at = session === null ? -Infinity : await findTime(session);
  found.at = Number.isFinite(at) ? at : null;
  found.then = await judge(data.bundle, data.newest, found.at ?? now, data.code);
  found.now = now < at ? null : await judge(data.bundle, data.newest, now, data.code);
  found.events = session === null ? [] : await readEvents(session);
  claimPage();
  document.getElementById("language").addEventListener("click", () => {
    language = t("zh-CN", ENGLISH);
    render();
  });
  acceptDrops();
  render();
}

/** What cannot even be read is neither good nor bad: nothing has been checked, and the page says so. */
function give(error) {
  const words = t("This page cannot read what it was made with; nothing has been checked.", "本页内容已损坏，无法读取，未作任何核验。");
  claimPage();
  document.getElementById("language").remove();
  const section = h("section", { class: "verdict unchecked" }, drawIcon("CANNOT_CHECK"), h("h1", { role: "status" }, words), h("p", {}, String(error.message)));
  document.getElementById("main").replaceChildren(section);
}

start()
  .catch(give)
  .finally(() => {
    document.documentElement.dataset.done = "true";
  });
