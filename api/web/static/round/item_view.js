// One instrument on the page: what is read, and how it is judged while it is typed.
import { keepsShare } from "./judge.js";
import { formatSticker, readSticker } from "./sticker.js";
import { nameItem, nameState, say, t } from "./words.js";
import { button, choice, field, h, redraw, show, tick } from "./views.js";
import { beginForm, conclude, dropFlow, judgeForm, judgeSeries, listMissing, listSeries, setAdjusted } from "./work.js";

const MAX_ROWS = 30;
const MAX_FLOWS = 6;

const factsOf = (round, item) => {
  const { instrument, last } = item;
  const rule = round.rules[instrument.category];
  const facts = [
    [t("Model", "型号"), instrument.model],
    [t("Serial number", "出厂编号"), instrument.serial],
    [t("Maker", "制造单位"), instrument.maker],
    [t("Class", "准确度等级"), instrument.class],
    [t("Scale interval e", "检定分度值 e"), instrument.e && `${instrument.e.value} ${instrument.e.unit}`],
    [t("Software", "软件版本"), instrument.software?.id],
    [t("Site", "地点"), instrument.site?.address],
    [t("Regulation", "规程"), rule.regulation],
    [t("Newest document", "最近证书"), last && `${last.no} · ${last.verified_on}${last.until ? ` – ${last.until}` : ""}`],
    [t("Seals then", "原铅封"), last?.seals?.map((seal) => `${seal.no} (${seal.point})`).join(", ")],
  ];
  return h("dl", {}, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
};

const spellLimit = (limit) => {
  const range = limit.lower === undefined ? `≤ ${limit.upper}` : `${limit.lower} … +${limit.upper}`;
  const loads = limit.up_to !== undefined ? ` (${limit.over ?? 0} – ${limit.up_to} e)` : limit.over !== undefined ? ` (> ${limit.over} e)` : "";
  return `${nameItem(limit.item)} ${range} ${limit.unit}${loads}${limit.confirmed ? "" : t(" (not confirmed)", "（限值未经确认）")}`;
};

const verdict = (passed) =>
  passed === null
    ? h("output", { class: "doubt" }, "–")
    : h("output", { class: passed ? "good" : "bad" }, passed ? t("pass", "合格") : t("fail", "不合格"));

const spellError = (item, result, point) =>
  `${point.error} ${result.error_unit} ${item.weighing ? `(±${point.mpe}) ` : ""}${point.pass ? "✓" : "✗"}`;

const nameSeries = (item, series) => {
  const part = item.instrument.parts?.find((one) => one.id === series.part);
  const words = [
    series.part === null ? "" : t(`Part ${series.part}`, `${series.part}号`),
    part?.name ?? "",
    nameItem(series.code),
    series.flow === null ? "" : `${series.flow} ${item.flow_unit}`,
    series.before_adjustment ? t("before adjustment", "调修前") : "",
  ];
  return words.filter(Boolean).join(" ");
};

const reading = (value, label, oninput) =>
  h("input", { inputmode: "decimal", autocomplete: "off", maxlength: 20, value, "aria-label": label, oninput });

/** The readings of one series: a table whose right half follows what is typed. */
const seriesView = (round, item, series, changed, again) => {
  const errors = series.typed.map(() => h("td", {}));
  const below = h("p", {});
  const judge = () => {
    const results = judgeSeries(round, item, series);
    let at = 0;
    for (const [number, [, measured]] of series.typed.entries()) {
      const point = measured.trim() && results ? results[0].points[at++] : null;
      errors[number].replaceChildren(point ? h("output", { class: point.pass ? "good" : "bad" }, spellError(item, results[0], point)) : "");
    }
    const spread = results?.find((one) => one.item === "repeatability");
    const { share } = round.rules[item.instrument.category];
    const kept = results ? keepsShare(results[0], share) : null;
    below.replaceChildren(
      ...(spread ? [`${nameItem("repeatability")} ${spread.points[0].error} ${spread.error_unit} `, verdict(spread.pass)] : []),
      ...(kept === null ? [] : [h("span", { class: kept ? "hint" : "bad" }, ` U ${results[0].points[0].u} ${results[0].error_unit} ${kept ? "≤" : ">"} ${share} MPE ${kept ? "✓" : "✗"}`)]),
    );
  };
  const write = (row, place) => (event) => {
    row[place] = event.target.value;
    changed(series);
    judge();
  };
  const share = (event) => {
    for (const row of series.typed) row[0] = event.target.value;
    changed(series);
    judge();
  };
  const [reference, indication] = item.weighing
    ? [t(`Load, ${item.unit}`, `载荷 ${item.unit}`), t(`Indication, ${item.unit}`, `示值 ${item.unit}`)]
    : [t(`Reference, ${item.unit}`, `标准值 ${item.unit}`), t(`Indication, ${item.unit}`, `示值 ${item.unit}`)];
  const first = series.code === "eccentricity" ? t("Place", "位置") : series.shared ? t("Time", "次序") : reference;
  const rowOf = (row, number) =>
    h("tr", {},
      series.shared ? h("th", { scope: "row" }, String(number + 1)) : h("td", {}, reading(row[0], `${reference} ${number + 1}`, write(row, 0))),
      h("td", {}, reading(row[1], `${indication} ${number + 1}`, write(row, 1))),
      errors[number]);
  const more = () => {
    series.typed.push([series.shared || !item.weighing ? (series.typed.at(-1)?.[0] ?? "") : "", ""]);
    changed(series);
    again();
  };
  const title = nameSeries(item, series);
  const box = h("fieldset", {},
    h("legend", { "data-series": series.key }, title),
    series.shared && h("label", {}, `${nameItem(series.code)} ${reference}`, reading(series.typed[0][0], `${nameItem(series.code)} ${reference}`, share)),
    h("table", {},
      h("thead", {}, h("tr", {}, [first, indication, t("Error", "误差")].map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, series.typed.map(rowOf))),
    below,
    series.optional && h("p", { class: "hint" }, t("May stay empty where the receptor has no places for it.", "承载器不适用时可不填。")),
    series.typed.length < MAX_ROWS && h("p", {}, button(t("Add a row", "添加一行"), more, { class: "second", "data-key": `row ${series.key}`, "aria-label": t(`Add a row: ${title}`, `添加一行：${title}`) })));
  judge();
  return box;
};

/** At which flows is measured; every nozzle at each. */
const flowRows = (item, form, changed, again, rename) =>
  item.flow_unit && h("fieldset", {}, h("legend", {}, t(`Flows, ${item.flow_unit}`, `流量 ${item.flow_unit}`)),
    form.flows.map((flow, number) =>
      h("input", { inputmode: "decimal", autocomplete: "off", maxlength: 10, value: flow, "aria-label": t(`Flow ${number + 1}, ${item.flow_unit}`, `流量${number + 1} ${item.flow_unit}`),
        "data-key": `flow ${number}`, oninput: (event) => { form.flows[number] = event.target.value; changed(); rename(); } })),
    h("p", { class: "actions" },
      form.flows.length < MAX_FLOWS && button(t("Add a flow", "添加流量"), () => { form.flows.push(""); changed(); again(); }, { class: "second", "data-key": "flow more" }),
      form.flows.length > 1 && button(t("Remove the last flow", "删除最后一个流量"), () => { dropFlow(form); changed(); again(); }, { class: "second", "data-key": "flow less" })));

/** Which parts were adjusted: those have readings before and after. */
const adjustedRows = (item, form, changed, again) => {
  const set = (id) => (is) => {
    setAdjusted(form, id, is);
    changed();
    again();
  };
  const word = t("Adjusted (keep the readings before and after)", "已调修（保留调修前后示值）");
  const { parts } = item.instrument;
  if (!parts) return tick(word, form.adjusted.includes(""), set(""), { "data-key": "adjusted" });
  return h("fieldset", {}, h("legend", {}, word),
    parts.map(({ id, name }) => tick(t(`Part ${id} ${name ?? ""}`, `${id}号 ${name ?? ""}`), form.adjusted.includes(id), set(id), { "data-key": `adjusted ${id}` })));
};

const sealRows = (form, changed, again) => [
  h("h2", {}, t("New seals", "新铅封")),
  form.seals.map((seal, number) =>
    h("div", { class: "pair" },
      h("input", { value: seal.no, maxlength: 40, "aria-label": t(`Seal ${number + 1}, number`, `铅封${number + 1}编号`), placeholder: t("number", "编号"),
        oninput: (event) => { seal.no = event.target.value; changed(); } }),
      h("input", { value: seal.point, maxlength: 40, "aria-label": t(`Seal ${number + 1}, place`, `铅封${number + 1}位置`), placeholder: t("place", "位置"),
        oninput: (event) => { seal.point = event.target.value; changed(); } }))),
  h("p", {}, button(t("Add a seal", "添加铅封"), () => { form.seals.push({ no: "", point: "" }); changed(); again(); }, { class: "second", "data-key": "seal more" })),
];

/** One sticker that was put on: typed, or scanned by a reader that types; judged while it is typed. */
const stickerRow = (round, item, form, number, changed) => {
  const row = form.stickers[number];
  const said = h("p", { class: "hint", id: `sticker-${number}-said` });
  const label = t(`Sticker ${number + 1} put on`, `所贴标志${number + 1}编号`);
  const box = h("input", { value: row.text, maxlength: 120, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", "aria-label": label,
    placeholder: label, "aria-describedby": said.id, "data-key": `sticker ${number}`, oninput: (event) => { row.text = event.target.value; changed(); look(); } });
  const look = () => {
    const found = row.text.trim() ? readSticker(row.text, round) : null;
    const sentence = found?.fault ?? found?.doubt;
    said.className = `hint ${found?.fault ? "bad" : found?.doubt ? "doubt" : ""}`;
    said.textContent = sentence ? say(sentence) : found ? `✓ ${formatSticker(found.id)}` : "";
    box.setAttribute("aria-invalid", found?.fault ? "true" : "false");
  };
  const places = [["", t("the whole instrument", "整机")], ...(item.instrument.parts ?? []).map(({ id, name }) => [id, t(`part ${id} ${name ?? ""}`, `${id}号 ${name ?? ""}`)])];
  look();
  return h("div", {},
    h("div", {}, box,
      places.length > 1 && h("select", { "aria-label": t(`Where sticker ${number + 1} is`, `标志${number + 1}位置`), onchange: (event) => { row.part = event.target.value; changed(); } },
        places.map(([id, word]) => h("option", { value: id, selected: id === row.part }, word)))),
    said);
};

const stickerRows = (round, item, form, changed, again) => [
  h("h2", {}, t("Stickers put on", "所贴合格标志")),
  form.stickers.map((_, number) => stickerRow(round, item, form, number, changed)),
  item.instrument.parts && form.stickers.length <= item.instrument.parts.length &&
    h("p", {}, button(t("Add a sticker", "添加标志"), () => { form.stickers.push({ text: "", part: "" }); changed(); again(); }, { class: "second", "data-key": "sticker more" })),
];

/** Say what the office has answered about an instrument. */
export const answerView = (answer) =>
  answer && [
    h("p", { class: "verdict " + (answer.state === "drafted" ? "good" : answer.state === "refused" ? "bad" : "doubt") },
      nameState(answer.state), answer.draft ? t(` (draft ${answer.draft})`, `（草稿 ${answer.draft}）`) : ""),
    answer.conflict && h("p", { class: "verdict doubt" },
      t("Another device has a finding about this instrument too. Both are kept; the approver decides.", "另一设备也有该器具的记录。两份均保留，由批准人决定。")),
    h("ul", {}, [...answer.reasons, ...answer.flags].map((one) => h("li", {}, `${one.field ? `${one.field}: ` : ""}${say(one)}`))),
  ];

/** Show one instrument. `work` is changed in place; `keep` stores it, `sign` finishes it, `back` leaves. */
export const showItem = (round, item, work, { keep, sign, back, today }) => {
  work.form ??= beginForm(round, today);
  const form = work.form;
  const again = () => redraw(() => showItem(round, item, work, { keep, sign, back, today }));
  const live = h("div", { "aria-live": "polite" });
  const changed = () => {
    work.dirty = true;
    follow();
    keep();
  };
  const follow = () => {
    const { results } = judgeForm(round, item, form);
    const missing = listMissing(round, item, form);
    const passed = results.length ? conclude(round, item, form) === "pass" : null;
    live.replaceChildren(
      h("p", { class: `verdict ${missing.length ? "doubt" : passed ? "good" : "bad"}`, id: "verdict" },
        t("Conclusion: ", "结论："), missing.length ? t("not complete yet", "尚未完成") : passed ? t("pass", "合格") : t("fail", "不合格")),
      ...(missing.length ? [h("p", { class: "hint" }, t("Still needed: ", "尚缺："), missing.map(say).join(t("; ", "；")))] : []),
    );
  };
  const rename = () => {
    for (const series of listSeries(round, item, form)) {
      const legend = document.querySelector(`legend[data-series="${CSS.escape(series.key)}"]`);
      if (legend) legend.textContent = nameSeries(item, series);
    }
  };
  const text = (name, label, attributes = {}, hint = "") =>
    field(label, { value: form[name], maxlength: 200, ...attributes, oninput: (event) => { form[name] = event.target.value; changed(); } }, hint);
  const pick = (name) => (code) => { form[name] = code; changed(); };
  const finish = h("button", { type: "submit" }, t("Done: sign on this device", "完成：在本机签名"));
  show(
    h("p", {}, button(`← ${round.title}`, back, { class: "second" })),
    h("h1", {}, `${item.id}. ${item.instrument.name} ${item.instrument.model ?? ""} ${item.instrument.serial}`),
    answerView(work.sent?.at(-1)?.answer),
    h("div", { class: "card" }, factsOf(round, item), h("p", { class: "hint" }, round.rules[item.instrument.category].limits.map(spellLimit).join(t("; ", "；")))),
    h("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(round, item, form, sign, finish); } },
      choice(t("Nameplate", "铭牌"), "nameplate", [["agrees", t("agrees", "相符")], ["differs", t("differs", "不符")]], form.nameplate, pick("nameplate")),
      choice(t("Seals as found", "铅封检查"), "seals_before", [["intact", t("intact", "完好")], ["broken", t("broken", "损坏")], ["none", t("none there", "无铅封")]], form.seals_before, pick("seals_before")),
      adjustedRows(item, form, changed, again),
      flowRows(item, form, changed, again, rename),
      listSeries(round, item, form).map((series) =>
        seriesView(round, item, series, (one) => { form.readings[one.key] = one.typed; changed(); }, again)),
      h("fieldset", {}, h("legend", {}, t("Standards used", "所用计量标准")),
        round.standards.map((one) =>
          tick(h("span", {}, `${one.name} ${one.id}`, h("span", { class: `hint ${one.exam_until < form.verified_on ? "bad" : ""}` }, ` ${t("until", "有效期至")} ${one.exam_until}`)),
            form.standards.includes(one.id),
            (is) => { form.standards = is ? [...form.standards, one.id] : form.standards.filter((id) => id !== one.id); changed(); }))),
      sealRows(form, changed, again),
      h("div", { class: "pair" },
        h("div", {}, text("temperature", t("Temperature, °C", "温度 °C"), { inputmode: "decimal", maxlength: 10 })),
        h("div", {}, text("humidity", t("Humidity, %RH", "湿度 %RH"), { inputmode: "decimal", maxlength: 10 }))),
      text("verified_on", t("Day of verification", "检定日期"), { type: "date" }),
      stickerRows(round, item, form, changed, again),
      text("note", t("Note", "备注"), { maxlength: 130 }),
      tick(t("Fails for another reason (say why in the note)", "因其他原因不合格（须在备注中说明）"), form.fails, (is) => { form.fails = is; changed(); }),
      live,
      h("p", { class: "actions" }, finish)),
  );
  follow();
};

const submit = async (round, item, form, sign, finish) => {
  const missing = listMissing(round, item, form);
  if (missing.length) {
    document.getElementById("verdict").scrollIntoView({ block: "center" });
    return;
  }
  finish.disabled = true;
  await sign();
};
