// What the operator has written down about one instrument, and the finding that it becomes.
import { digest, encode, toBase64 } from "./canonical.js";
import { parse, tidy } from "./decimal.js";
import { signFinding } from "./device.js";
import { computeResults, findConclusion } from "./judge.js";

const READINGS = 3;

/** Return the parts that are measured one by one; [null] where the instrument is measured as a whole. */
const listParts = (item) => item.instrument.parts?.map((part) => part.id) ?? [null];

/** Return by what an instrument of a round is judged. */
export const findMeasuring = (round, item) => ({
  limits: round.rules[item.instrument.category].limits,
  class: item.instrument.class,
  unit: item.unit,
  uncertainty: round.uncertainty,
  k: round.k,
});

/** Return the items of verification that readings are taken for. */
const listItems = (round, item) => {
  const fitting = round.rules[item.instrument.category].limits.filter(
    (limit) => limit.class === undefined || limit.class === item.instrument.class,
  );
  return [...new Set(fitting.map((limit) => limit.item))].filter((code) => code !== "repeatability");
};

/** Return an empty form for an instrument. */
export const beginForm = (round, today) => ({
  verified_on: today,
  nameplate: "",
  seals_before: "",
  adjusted: false,
  readings: {},
  seals: [],
  standards: round.standards.length === 1 ? [round.standards[0].id] : [],
  temperature: "",
  humidity: "",
  sticker_id: "",
  note: "",
  fails: false,
});

/** Return every series that the form has room for, with what was typed. */
export const listSeries = (round, item, form) =>
  (form.adjusted ? [true, false] : [false]).flatMap((before) =>
    listParts(item).flatMap((part) =>
      listItems(round, item).map((code) => {
        const key = `${part ?? ""}|${code}|${before ? "before" : ""}`;
        const typed = form.readings[key] ?? Array.from({ length: READINGS }, () => [item.nominal ?? "", ""]);
        return { key, part, item: code, before_adjustment: before, typed };
      }),
    ),
  );

/** Return a series with its numbers; rows without indication are left out. `wrong` are rows that are no numbers. */
export const readSeries = (series) => {
  const filled = series.typed.map(([nominal, measured]) => [nominal, measured]).filter(([, one]) => one.trim());
  const readings = filled.map((pair) => pair.map(tidy));
  const wrong = readings.some(
    ([nominal, measured]) => nominal === null || measured === null || parse(nominal).n <= 0n,
  );
  return { ...series, readings, wrong };
};

/** Return what can be computed of a form now: results, conclusion, and whether every number is one. */
export const judgeForm = (round, item, form) => {
  const all = listSeries(round, item, form).map(readSeries);
  const usable = all.filter((one) => !one.wrong && one.readings.length);
  const results = computeResults(usable, findMeasuring(round, item));
  const complete = all.every((one) => one.readings.length && !one.wrong);
  return { results, complete, wrong: all.some((one) => one.wrong), computed: findConclusion(results) };
};

/** Return the results of one series: its own, and its repeatability if that is limited. */
export const judgeSeries = (round, item, series) => {
  const read = readSeries(series);
  if (read.wrong || !read.readings.length) return null;
  return computeResults([read], findMeasuring(round, item));
};

/** Return what is missing before a form can be signed: sentences in both languages. */
export const listMissing = (round, item, form) => {
  const { complete, wrong, computed } = judgeForm(round, item, form);
  const missing = [];
  const miss = (is, en, zh) => is && missing.push({ en, zh });
  miss(!/^\d{4}-\d\d-\d\d$/.test(form.verified_on), "the day of verification", "检定日期");
  miss(!form.nameplate, "whether the nameplate agrees", "铭牌是否相符");
  miss(!form.seals_before, "how the seals were found", "铅封检查情况");
  miss(!form.standards.length, "the standard that was used", "所用计量标准");
  miss(wrong, "readings that are numbers, with a reference above 0", "示值须为数值，且标准值大于0");
  miss(!complete && !form.fails, "readings of every part", "各部位的示值");
  const bad = (text) => text.trim() && tidy(text) === null;
  miss(bad(form.temperature) || bad(form.humidity), "temperature and humidity as numbers", "温度、湿度须为数值");
  miss(form.seals.some((seal) => !seal.no.trim() !== !seal.point.trim()), "number and place of each seal", "每个铅封的编号和位置");
  miss(form.fails && computed === "pass" && !form.note.trim(), "a note that says why it fails", "不合格原因");
  miss(form.nameplate === "differs" && !form.note.trim(), "a note that says how the nameplate differs", "铭牌不符的说明");
  return missing;
};

/** Return the conclusion of a form. */
export const conclude = (round, item, form) => {
  const { computed, complete } = judgeForm(round, item, form);
  return form.fails || !complete ? "fail" : computed;
};

const clean = (text) => text.normalize("NFC").replace(/\s+/g, " ").trim();

/** Write a finding of a form and sign it; the next revision of this device and instrument. */
export const signForm = async (round, item, form, { deviceId, revision, privateKey, roundDigest, now }) => {
  const texts = { sticker_id: clean(form.sticker_id), note: clean(form.note) };
  const numbers = { temperature: tidy(form.temperature), humidity: tidy(form.humidity) };
  const optional = Object.entries({ ...texts, ...numbers }).filter(([, value]) => value);
  const finding = {
    v: 1,
    round: round.id,
    round_digest: roundDigest,
    device: deviceId,
    item: item.id,
    revision,
    made_at: `${now.toISOString().slice(0, 19)}Z`,
    verified_on: form.verified_on,
    nameplate: form.nameplate,
    seals_before: form.seals_before,
    adjusted: form.adjusted,
    standards: form.standards,
    results: judgeForm(round, item, form).results,
    conclusion: conclude(round, item, form),
    seals: form.seals.filter((seal) => seal.no.trim()).map((seal) => ({ no: clean(seal.no), point: clean(seal.point) })),
    ...Object.fromEntries(optional),
  };
  const bytes = encode(finding);
  const signature = await signFinding(privateKey, bytes);
  return { revision, finding: toBase64(bytes), signature, digest: await digest(bytes), answer: null };
};
