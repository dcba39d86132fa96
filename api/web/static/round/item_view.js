// One instrument on the page: what is read, and how it is judged while it is typed.
import { nameItem, nameState, say, t } from "./words.js";
import { button, choice, field, h, show, tick } from "./views.js";
import { beginForm, conclude, judgeForm, judgeSeries, listMissing, listSeries } from "./work.js";

const factsOf = (round, item) => {
  const { instrument, last } = item;
  const rule = round.rules[instrument.category];
  const facts = [
    [t("Model", "型号"), instrument.model],
    [t("Serial number", "出厂编号"), instrument.serial],
    [t("Maker", "制造单位"), instrument.maker],
    [t("Class", "准确度等级"), instrument.class],
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
  return `${nameItem(limit.item)} ${range} ${limit.unit}${limit.confirmed ? "" : t(" (not confirmed)", "（限值未经确认）")}`;
};

const verdict = (passed) =>
  passed === null
    ? h("output", { class: "doubt" }, "–")
    : h("output", { class: passed ? "good" : "bad" }, passed ? t("pass", "合格") : t("fail", "不合格"));

/** The readings of one series: a table whose right half follows what is typed. */
const seriesView = (round, item, series, changed) => {
  const rows = series.typed.map(() => h("td", {}));
  const below = h("p", {});
  const judge = () => {
    const results = judgeSeries(round, item, series);
    const errors = results?.[0].points ?? [];
    let at = 0;
    for (const [number, [, measured]] of series.typed.entries()) {
      const point = measured.trim() && results ? errors[at++] : null;
      rows[number].replaceChildren(
        point ? h("output", { class: point.pass ? "good" : "bad" }, `${point.error} ${results[0].error_unit} ${point.pass ? "✓" : "✗"}`) : "",
      );
    }
    const spread = results?.find((one) => one.item === "repeatability");
    below.replaceChildren(
      ...(spread ? [`${nameItem("repeatability")} ${spread.points[0].error} ${spread.error_unit} `, verdict(spread.pass)] : []),
    );
  };
  const cell = (number, place, label) =>
    h(
      "td",
      {},
      h("input", {
        inputmode: "decimal",
        autocomplete: "off",
        maxlength: 20,
        value: series.typed[number][place],
        "aria-label": `${label} ${number + 1}`,
        oninput: (event) => {
          series.typed[number][place] = event.target.value;
          changed(series);
          judge();
        },
      }),
    );
  const name = item.instrument.parts?.find((part) => part.id === series.part);
  const heads = [t(`Reference, ${item.unit}`, `标准值 ${item.unit}`), t(`Indication, ${item.unit}`, `示值 ${item.unit}`), t("Error", "误差")];
  const title = [
    series.part === null ? "" : t(`Part ${series.part} `, `${series.part}号 `),
    name?.name ?? "",
    nameItem(series.item),
    series.before_adjustment ? t("before adjustment", "调修前") : "",
  ];
  const box = h(
    "fieldset",
    {},
    h("legend", {}, title.filter(Boolean).join(" ")),
    h("table", {},
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, series.typed.map((_, number) =>
        h("tr", {}, cell(number, 0, heads[0]), cell(number, 1, heads[1]), rows[number])))),
    below,
  );
  judge();
  return box;
};

const sealRows = (form, changed, again) => [
  h("h2", {}, t("New seals", "新铅封")),
  form.seals.map((seal, number) =>
    h("div", { class: "pair" },
      h("input", { value: seal.no, maxlength: 40, "aria-label": t(`Seal ${number + 1}, number`, `铅封${number + 1}编号`), placeholder: t("number", "编号"),
        oninput: (event) => { seal.no = event.target.value; changed(); } }),
      h("input", { value: seal.point, maxlength: 40, "aria-label": t(`Seal ${number + 1}, place`, `铅封${number + 1}位置`), placeholder: t("place", "位置"),
        oninput: (event) => { seal.point = event.target.value; changed(); } }))),
  h("p", {}, button(t("Add a seal", "添加铅封"), () => { form.seals.push({ no: "", point: "" }); changed(); again(); }, { class: "second" })),
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
  const again = () => showItem(round, item, work, { keep, sign, back, today });
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
      tick(t("Adjusted (keep the readings before and after)", "已调修（保留调修前后示值）"), form.adjusted, (is) => { form.adjusted = is; changed(); again(); }),
      listSeries(round, item, form).map((series) =>
        seriesView(round, item, series, (one) => { form.readings[one.key] = one.typed; changed(); })),
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
      text("sticker_id", t("Sticker put on", "所贴标志编号"), { maxlength: 40 }),
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
